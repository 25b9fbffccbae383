import base64
import dataclasses
import re
from html.parser import HTMLParser

import fake_evaluation as fakes
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2

from wtl.datasets.format import tfrecord
from wtl.evaluation import statistics, table
from wtl.evaluation.episode_strip import Strip
from wtl.evaluation.learning_curve import learning_curves
from wtl.evaluation.reports import write_evaluation
from wtl.policies.methods import label
from wtl.viewer import address

HOSTILE = "<script>alert('x')</script>\"&"
CURVES = {
    name: [(step, {"imitation": -step / 9, "target": 1 / step}) for step in (1, 9, 18)]
    for name in ("mil", "wtl", "bc")
}
PROVENANCE = {
    "seed": 0,
    "commit": "0123456789",
    "versions": {"numpy": "2.3", "hostile": HOSTILE},
    "commands": ["make quickstart"],
}


def written(tmp_path, rows=None, strips=None, curves=CURVES) -> str:
    rows = fakes.evaluation() if rows is None else rows
    strips = (
        [fakes.strip(), fakes.strip(retrial={"success": False})]
        if strips is None
        else strips
    )
    path = tmp_path / "evaluation" / "report.html"
    results = statistics.results(rows, fakes.PROTOCOL)
    write_evaluation(path, results, rows, curves, strips, PROVENANCE)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


class Tags(HTMLParser):
    VOID = ("meta", "br", "img", "hr", "link", "input")

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.count = [], [], {}

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def pictures(text: str) -> list[str]:
    """The figures of a page, as SVG."""
    found = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    return [base64.b64decode(data).decode() for data in found]


def filmed() -> list[Strip]:
    films = {
        name: {"video": fakes.camera_video()} for name in ("demo", "trial", "retrial")
    }
    return [fakes.strip(**films), fakes.strip(**films, family="press")]


@pytest.mark.parametrize("strips", [None, filmed()], ids=["states", "images"])
def test_the_report_needs_nothing_else(tmp_path, strips):
    text = written(tmp_path, strips=strips)
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    for tag, name, value in tags.attributes:
        if tag == "a" and (value or "").startswith(address.URL):
            continue  # links load nothing
        if name in ("src", "href", "xlink:href", "srcset", "action"):
            if not re.match(r"data:image/(webp|svg\+xml);base64,", value):
                pytest.fail(f"<{tag} {name}={value!r}> asks for something")
        if name != "xmlns":
            assert "http://" not in (value or "") and "https://" not in (value or "")
    assert "url(" not in text and "@import" not in text
    assert not {"link", "iframe", "object"} & set(tags.count)


def test_the_report_tells_everything(tmp_path):
    text = written(tmp_path)
    for method in fakes.SUCCESS:
        assert label(method) in text and f"<code>{method}</code>" in text
    success, training = pictures(text)
    assert all(f">{family}</text>" in success for family in fakes.FAMILIES)
    assert "Imitation (negative log-likelihood)" in training
    for word in (
        "When the first try fails",
        "Learning curves",
        "Wrong target",
        "0123456789",
        "make quickstart",
        "versions.numpy",
        "scenes_per_task",
    ):
        assert word in text
    assert text.count('class="animation"') == 6
    assert re.search(r"WTL succeeds in [\d.]+% of unseen tasks", text)


def test_the_headline_compares_with_the_rule_without_learning(tmp_path):
    scored = {"wtl": 40, "wtl_new_scene": 40, "mil_win_stay_lose_shift": 40}
    scored["mil_win_stay_lose_shift_new_scene"] = 10
    rows = [
        fakes.row(name, task, success=task < solved, ceiling=1.0)
        for name, solved in scored.items()
        for task in range(40)
    ]
    lead = " ".join(written(tmp_path, rows).partition('class="grid"')[0].split())
    same = (
        r"\+0\.0 points in the scene of the trial \(−\S+ to \+\S+, not told apart\), "
    )
    new = r"and \+75\.0 points in a new scene \(\+\S+ to \+\S+\)\. </p>"
    assert re.search(same + new, lead)
    assert "without learning" not in written(tmp_path / "no", rows[:40])


def test_success_is_shown_by_the_number_of_targets_left_open(tmp_path):
    rows = [fakes.row(open_targets=n, pair=n, ceiling=1 / n) for n in (2, 4)]
    text = written(tmp_path, rows)
    assert "number of targets left open" in text and "<th>4 open</th>" in text
    assert "bound 25.0" in text and len(pictures(text)) == 3
    assert "targets left open" not in written(tmp_path / "without")


def test_images_are_shown_where_there_are_any(tmp_path):
    text = written(tmp_path, strips=filmed())
    assert text.count('class="animation"') == 6 and text.count("pixelated") == 6
    assert "32 × 32 pixels" in text and "drawn from the recorded states" not in text
    tags = Tags()
    tags.feed(text)
    assert {("input", "id", name) for name in ("time", "marks", "heat")} <= set(
        tags.attributes
    )
    assert len(text) < 500_000
    states = written(tmp_path)
    assert "pixelated" not in states and 'id="heat"' not in states
    assert "drawn from the recorded states" in states


def test_who_watched_a_human_is_in_the_headline(tmp_path):
    names = {"mil": "mil_human", "wtl": "wtl_human"}
    rows = [
        dataclasses.replace(row, method=names[row.method])
        for row in fakes.evaluation()
        if row.method in names
    ]
    text = written(tmp_path, rows, curves={"mil_human": CURVES["bc"]})
    assert re.search(
        r"One video of a human and one try: WTL succeeds in 9[\d.]+% of unseen tasks, "
        r"imitation alone in [67][\d.]+%",
        text,
    )
    assert "Watches a human, tries, learns" in text
    assert label("mil_human") in pictures(text)[1]  # the key of the learning curves
    assert "One demonstration and one try" in written(tmp_path)


def test_ceilings_of_hidden_dynamics_are_called_upper_bounds(tmp_path):
    results = statistics.results(fakes.evaluation(), fakes.PROTOCOL)
    for hidden in ((), ("puck",), ("motor_faults", "puck")):
        told = results | {"protocol": fakes.PROTOCOL | {"ceilings_know": hidden}}
        write_evaluation(tmp_path / "r.html", told, [], {}, [], PROVENANCE)
        texts = [table.format_table(told), table.markdown_table(told)]
        for text in [*texts, (tmp_path / "r.html").read_text(encoding="utf-8")]:
            assert ("upper bounds" in text) == bool(hidden)
            assert ("actuator gains and object dynamics are known" in text) == (
                len(hidden) == 2
            )


def test_without_a_gaze_nothing_is_said_of_it(tmp_path):
    blind = {"video": fakes.camera_video(gaze=False)}
    strips = [fakes.strip(demo=blind, trial=blind, retrial=blind)]
    text = written(tmp_path, strips=strips)
    assert 'id="marks"' in text
    assert 'id="heat"' not in text and "its network finds" not in text


def test_hostile_text_is_escaped(tmp_path):
    rows = [
        fakes.row(HOSTILE, task, 0, True, family=HOSTILE, rule="identity:0")
        for task in range(3)
    ]
    strips = [fakes.strip(family=HOSTILE, task_id=HOSTILE)]
    text = written(tmp_path, rows, strips, {HOSTILE: CURVES["bc"]})
    assert "alert(&#39;x&#39;)" in text or "alert(&#x27;x&#x27;)" in text
    assert "<script>alert" not in text
    tags = Tags()
    tags.feed(text)
    assert tags.count["script"] == 1 and not tags.open


def test_a_report_of_little_can_be_written(tmp_path):
    text = written(tmp_path, [fakes.row("bc", 0, 0, False)], [], {})
    assert "Success on unseen tasks" in text
    assert "<script" not in text and "Learning curves" not in text
    assert written(tmp_path, [], [], {})


def test_a_report_of_a_world_without_rules_shows_none(tmp_path):
    absent = dict.fromkeys(("conflict", "wrong_target", "ceiling"))
    rows = [
        dataclasses.replace(r, rule="", **absent) for r in fakes.evaluation(tasks=5)
    ]
    text = written(tmp_path, rows, [fakes.strip()])
    assert "trial failed" in text
    assert not re.search("by identity|oracle bound</th>|wrong target</th>", text)


def events(*points):
    """Framed TensorBoard events."""
    return b"".join(
        tfrecord.frame(
            event_pb2.Event(
                step=step,
                summary=summary_pb2.Summary(
                    value=[summary_pb2.Summary.Value(tag="total", simple_value=v)]
                ),
            ).SerializeToString()
        )
        for step, v in points
    )


def test_curves_of_a_resumed_training_are_joined(tmp_path):
    folder = tmp_path / "bc"
    folder.mkdir()
    (tmp_path / "empty").mkdir()
    first = events((50, 3.0), (100, 2.0))
    (folder / "events.out.tfevents.1").write_bytes(first)
    # The second went on from step 50 and is being written.
    second = events((100, 1.5), (150, 1.0))
    (folder / "events.out.tfevents.2").write_bytes(second + first[:20])
    curves = learning_curves(tmp_path)
    assert curves == {
        "bc": [(50, {"total": 3.0}), (100, {"total": 1.5}), (150, {"total": 1.0})]
    }
    assert learning_curves(tmp_path / "nowhere") == {}
