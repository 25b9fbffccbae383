"""The viewer's server: every route, and edits to a new version."""

import dataclasses
import io
import json
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from served import ROOT
from viewed import demonstrated, make_run, published, tree, viewing

from wtl.collection import opengl
from wtl.collection.drawing.sheet import COLUMNS
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, verify
from wtl.viewer import address
from wtl.viewer.render_process import PIXELS, RenderProcess


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view") / "run")


@pytest.fixture(scope="module")
def viewed(made):
    """A viewer that nobody edits."""
    with viewing(made) as running:
        yield running


@pytest.fixture
def run(made, tmp_path):
    """A run of one's own."""
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def test_the_page_and_its_parts_are_served_and_nothing_else(viewed):
    files = {
        "/": "text/html",
        **{
            f"/{name}.js": "text/javascript"
            for name in ("page", "browser", "curves", "panels", "player", "server")
        },
        "/page.css": "text/css",
        "/base.css": "text/css",
    }
    for path, kind in files.items():
        status, headers, body = viewed.ask(path)
        assert status == 200 and body
        assert headers.get_content_type() == kind
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in headers["Server"]
    for path in (
        "/page.html",
        "/server.py",
        "/../server.py",
        "/page/page.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/api/",
        "/api/episodes/../../server.py",
    ):
        status, headers, body = viewed.ask(path)
        assert status == 404 and set(body) == {"error"}, path
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_library_tells_what_there_is(viewed, made):
    told = viewed.get("/api/library")
    assert told["path"] == str(made) and told["chosen"] == ""
    assert told["missing_renderer"] == "images can't be rendered here"
    assert told["datasets"]["wtl_trials"] == {
        "version": "1.0.0",
        "episodes": 12,
        "views": ["image", "drawing"],
    }


def test_lists_are_filtered_and_given_in_parts(viewed):
    whole = viewed.get("/api/episodes")
    assert whole["total"] == len(whole["rows"]) == 18
    assert whole["facets"]["dataset"] == {"wtl_demos": 6, "wtl_trials": 12}
    part = viewed.get("/api/episodes?offset=5&limit=4")
    assert part["rows"] == whole["rows"][5:9] and "facets" not in part
    assert viewed.get("/api/episodes?offset=999")["rows"] == []
    name = whole["rows"][7]["id"]
    assert viewed.get(f"/api/episodes?id={name}&limit=1")["place"] == 7
    assert viewed.get(f"/api/episodes?id={name}&role=eval")["place"] is None
    failed = viewed.get("/api/episodes?role=trial&success=false&family=press")
    assert failed["total"] == 2
    assert {row["role"] for row in failed["rows"]} == {"trial"}


def test_an_episode_is_told_with_its_links_and_curves(viewed):
    name = viewed.first(role="retrial", family="grasp")
    told = viewed.get(f"/api/episodes/{name}")
    assert [viewed.library[n]["role"] for n in told["chain"]] == [
        "demo",
        "trial",
        "retrial",
    ]
    assert told["chain"][-1] == name and told["metadata"]["episode_id"] == name
    assert [p["id"] for p in told["parents"]] == told["chain"][:2]
    row = viewed.library[name]
    episode = viewed.library.indices[row.dataset].episode(row)
    assert list(told["curves"]["action"]) == ["x", "y", "z", "yaw", "finger"]
    for axis, values in enumerate(told["curves"]["action"].values()):
        expected = episode.steps["action"][:, axis]
        np.testing.assert_allclose(values, expected, atol=1e-4)
    np.testing.assert_allclose(told["curves"]["reward"], episode.steps["reward"])
    np.testing.assert_allclose(told["curves"]["time"], np.arange(41) / 10, atol=1e-4)
    # What has more digits than a number in a browser.
    assert told["metadata"]["scene_seed"] == str(episode.metadata["scene_seed"])
    demo = viewed.get(f"/api/episodes/{told['chain'][0]}")
    assert demo["children_total"] == 2 and demo["descendants"] == []
    trial = viewed.get(f"/api/episodes/{told['chain'][1]}")
    assert trial["descendants"] == [name]


def test_stored_frames_come_as_sheets_bit_for_bit(viewed):
    name = viewed.first(role="demo")
    row = viewed.library[name]
    images = viewed.library.indices[row.dataset].episode(row).steps["image"]
    for first, count in ((0, 64), (3, 1), (5, 10)):
        status, headers, body = viewed.ask(
            f"/api/episodes/{name}/frames/image?first={first}&count={count}"
        )
        assert (status, headers.get_content_type()) == (200, "image/png")
        sheet = np.asarray(Image.open(io.BytesIO(body)))
        expected = images[first : first + count]
        columns, side = min(COLUMNS, len(expected)), 16
        for i, frame in enumerate(expected):
            y, x = divmod(i, columns)
            found = sheet[side * y : side * (y + 1), side * x : side * (x + 1)]
            np.testing.assert_array_equal(found, frame)


def test_the_report_of_a_run_is_served_apart_from_the_page(run):
    with viewing(run / "datasets" / "wtl_demos") as viewed:
        assert viewed.get("/api/library")["report"] is False
        assert viewed.ask("/report")[0] == 404
        (run / "evaluation").mkdir()
        report = run / "evaluation" / "report.html"
        report.symlink_to(run / "datasets/wtl_demos/1.0.0/dataset_info.json")
        assert viewed.ask("/report")[0] == 404
        report.unlink()
        report.write_text(f'<a href="{address.URL}#role=trial">episodes</a>')
        assert viewed.get("/api/library")["report"] is True
        status, headers, text = viewed.ask("/report")
        assert (status, text) == (200, b'<a href="./#role=trial">episodes</a>')
        assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
        report.unlink()
        (run / "adaptation").mkdir()
        (run / "adaptation" / "report.html").write_text("of runners")
        assert viewed.ask("/report")[2] == b"of runners"


def test_drawings_are_svg(viewed):
    name = viewed.first(role="trial", success="false")
    status, headers, body = viewed.ask(f"/api/episodes/{name}/drawing")
    assert (status, headers.get_content_type()) == (200, "image/svg+xml")
    assert body.startswith(b"<svg") and b"animateTransform" in body


def test_statistics_are_of_what_is_selected(viewed):
    assert viewed.get("/api/statistics")["episodes"] == 18
    told = viewed.get("/api/statistics?role=trial")
    assert told["episodes"] == 6 and told["success"]["success"] == 0.5


def test_edits_are_listed_undone_and_published_as_a_new_version(run):
    demos = run / "datasets" / "wtl_demos"
    before = tree(run / "datasets")
    with viewing(run) as viewed:
        one, two, three = list(viewed.library.indices["wtl_demos"].rows)[:3]
        # What is so already is no edit.
        assert viewed.edit(**{one: {"success": True, "invalid": False}}) == {}
        viewed.edit(**{one: {"invalid": True, "notes": "<b>slips</b>"}})
        viewed.edit(**{two: {"success": False}, three: {"deleted": True}})
        told = viewed.get(f"/api/episodes/{two}")
        assert told["success"] is False and told["metadata"]["success"] is True
        assert viewed.get("/api/episodes?flag=edited")["total"] == 3
        assert viewed.get("/api/episodes?flag=deleted")["total"] == 1
        viewed.edit(**{two: {}})
        pending = viewed.get("/api/edits")["datasets"]["wtl_demos"]
        assert [edit["id"] for edit in pending["edits"]] == [one, three]
        assert pending["edits"][0]["was"] == {"invalid": False, "notes": ""}
    # Another viewer goes on with what is pending.
    with viewing(demos) as viewed:
        assert viewed.library.chosen == "wtl_demos"
        assert len(viewed.get("/api/edits")["datasets"]["wtl_demos"]["edits"]) == 2
        told = viewed.publish("wtl_demos")
        assert (told["version"], told["kept"], told["seen"]) == ("2.0.0", 5, 6)
        assert viewed.get("/api/edits") == {"datasets": {}}
        # It now shows the new version.
        library = viewed.get("/api/library")
        assert library["datasets"]["wtl_demos"]["version"] == "2.0.0"
        assert viewed.ask(f"/api/episodes/{three}")[0] == 404
        assert viewed.get(f"/api/episodes/{one}")["metadata"]["invalid"] is True
        assert viewed.get("/api/episodes?flag=orphan")["total"] == 2
        status, _, told = viewed.ask("/api/publish", "POST", {"dataset": "wtl_demos"})
        assert status == 400 and "no edits" in told["error"]
        assert viewed.ask("/api/publish", "POST", {"dataset": "x"})[0] == 400
    new = demos / "2.0.0"
    assert verify.verify(new) == []
    assert verify.verify(run / "datasets" / "wtl_trials") == []
    after = tree(run / "datasets")
    assert {name: after[name] for name in before} == before
    account = json.loads((new / "provenance.json").read_text())
    assert account["parents"][0]["fingerprint"] == checksums.fingerprint(
        demos / "1.0.0"
    )
    assert account["edits"] == {
        one: {"invalid": True, "notes": "<b>slips</b>"},
        three: {"deleted": True},
    }
    assert {e.id for e in reader.iterate_episodes(new)} == {
        e.id for e in reader.iterate_episodes(demos / "1.0.0")
    } - {three}


def test_edits_of_a_version_that_is_not_shown_are_not_forgotten(run):
    demos = run / "datasets" / "wtl_demos"
    with viewing(run) as viewed:
        one, two = list(viewed.library.indices["wtl_demos"].rows)[:2]
        viewed.edit(**{one: {"invalid": True}})
        viewed.publish("wtl_demos")
    with viewing(demos / "1.0.0") as viewed:
        assert viewed.get("/api/library")["warnings"] == []
        viewed.edit(**{two: {"invalid": True}})
    with viewing(run) as viewed:
        (warning,) = viewed.get("/api/library")["warnings"]
        assert "1 edited episodes of wtl_demos 1.0.0" in warning
        assert f"wtl view {demos / '1.0.0'}" in warning
    with viewing(demos / "1.0.0") as viewed:
        assert viewed.publish("wtl_demos")["version"] == "3.0.0"


def test_a_second_viewer_looks_on_while_the_first_edits(run):
    with viewing(run) as first, viewing(run) as second:
        name = first.first(role="demo")
        first.edit(**{name: {"invalid": True}})
        status, _, told = second.ask(
            "/api/edits", "PUT", {"edits": {name: {"deleted": True}}}
        )
        assert status == 409 and "being written by process" in told["error"]
        assert second.get("/api/episodes")["total"] == 18


def test_an_episode_that_is_damaged_is_named(run):
    (shard,) = (run / "datasets" / "wtl_demos" / "1.0.0").glob("*val.tfrecord-*")
    data = bytearray(shard.read_bytes())
    data[-5000] ^= 1
    shard.write_bytes(bytes(data))
    with viewing(run) as viewed:
        names = [n for n, r in viewed.library.indices["wtl_demos"].rows.items()]
        answers = [viewed.ask(f"/api/episodes/{name}") for name in names]
        (bad,) = [told for status, _, told in answers if status != 200]
        assert "is damaged" in bad["error"] and "wtl verify" in bad["error"]
        viewed.edit(**{names[0]: {"invalid": True}})
        status, _, told = viewed.ask("/api/publish", "POST", {"dataset": "wtl_demos"})
        assert status == 422 and "wtl verify" in told["error"]
        assert len(viewed.get("/api/edits")["datasets"]["wtl_demos"]["edits"]) == 1


def test_numbers_that_are_not_finite_are_null(tmp_path, monkeypatch):
    """Other writers store what ours refuses."""
    monkeypatch.setattr(episodes, "validate", lambda *_: None)
    found = []
    for name in ("state", "action", "reward", "timestamp"):
        for value in (np.nan, np.inf, -np.inf):
            good = demonstrated("grasp", len(found))
            steps = {**good.steps, name: np.full_like(good.steps[name], value)}
            found.append(dataclasses.replace(good, steps=steps))
    published(tmp_path / "datasets", fields.WTL_DEMOS, found)
    with viewing(tmp_path) as viewed:
        for order in ("", "reward", "off-rate"):
            rows = viewed.get(f"/api/episodes?order={order}")["rows"]
            assert len(rows) == len(found)
        for episode in found:
            path = f"/api/episodes/{episode.id}"
            told = viewed.get(path)
            is_known = np.isfinite(episode.steps["reward"]).all()
            assert (told["quality"]["reward"] is None) is not is_known
            assert None not in told["curves"]["time"]
            status, _, drawn = viewed.ask(f"{path}/drawing")
            is_known = np.isfinite(episode.steps["state"]).all()
            assert status == (200 if is_known else 400) and "nan" not in str(drawn)
        assert viewed.get("/api/statistics")["episodes"] == len(found)


@pytest.fixture(scope="module")
def rendering(made):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    renderer = RenderProcess()
    with viewing(made, renderer) as running:
        yield running, renderer
    renderer.close()


def test_physics_states_are_rendered_from_any_camera(rendering):
    rendering, _ = rendering
    name = rendering.first(role="demo", family="grasp")
    views = rendering.get(f"/api/episodes/{name}")["views"]
    assert views == ["image", "robot", "orbit", "wrist", "drawing"]
    seen = []
    for view in (
        "robot",
        "wrist",
        "orbit?azimuth=0&elevation=-30&distance=0.9",
        "orbit?azimuth=90&elevation=-89&distance=1.2",
    ):
        mark = "&" if "?" in view else "?"
        status, headers, body = rendering.ask(
            f"/api/episodes/{name}/frames/{view}{mark}first=0&count=2"
        )
        assert (status, headers.get_content_type()) == (200, "image/jpeg"), body
        sheet = np.asarray(Image.open(io.BytesIO(body)), np.float64)
        assert sheet.shape == (PIXELS, 2 * PIXELS, 3)
        assert sheet.std() > 5
        seen.append(sheet)
    for i, one in enumerate(seen):
        assert all(np.abs(one - other).mean() > 3 for other in seen[:i])


def test_a_renderer_that_dies_is_started_again(rendering):
    rendering, renderer = rendering
    name = rendering.first(role="demo", family="grasp")
    path = f"/api/episodes/{name}/frames/robot?first=7&count=1"
    _, _, before = rendering.ask(path)
    renderer._process.kill()
    renderer._process.join()
    status, _, told = rendering.ask(path)
    assert status == 400 and "started again" in told["error"]
    assert rendering.ask(path)[2] == before


def test_without_opengl_the_drawing_is_there_and_the_reason_said(viewed):
    name = viewed.first(role="demo")
    assert viewed.get(f"/api/episodes/{name}")["views"] == ["image", "drawing"]


def _wtl(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "wtl", "view", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_command_serves_until_it_is_interrupted(run):
    process = _wtl(run / "datasets" / "wtl_demos", "--port=0")
    try:
        said = process.stdout.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", said)[1])
        assert "18 episodes" in said
        # The same port again, and what is no dataset.
        for arguments, because in (
            ((run, f"--port={port}"), "choose another with --port"),
            ((run / "config.gin", "--port=0"), "no dataset at"),
        ):
            again = _wtl(*arguments)
            out, err = again.communicate(timeout=120)
            assert again.returncode == 1 and out == ""
            assert because in err and len(err.strip().splitlines()) == 1, err
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and err == "", err
    finally:
        process.kill()
        process.communicate()
