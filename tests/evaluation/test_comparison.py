"""Run folders compared: known answers and refusals."""

import dataclasses
import json
import re

import fake_evaluation as fakes
import numpy as np
import pytest
from scipy import stats

from wtl.commands import cli
from wtl.evaluation import (
    comparison,
    played_run,
    rollout_row,
    statistics,
)

TASKS, SCENES = 10, 4


def rows_of(method, rates):
    """Rollouts with the given success in each task, in its first scenes."""
    return [
        fakes.row(method, t, k, success=k < round(SCENES * rate))
        for t, rate in enumerate(rates)
        for k in range(SCENES)
    ]


def folder(path, rows, seed=0, commit="c0ffee", **protocol):
    """A run folder, as `wtl evaluate` leaves it."""
    about = fakes.PROTOCOL | {"tasks": TASKS, "seed": seed, "demos_shown": 1} | protocol
    evaluation = path / "evaluation"
    rollout_row.write_csv(rows, evaluation / "episodes.csv")
    results = statistics.results(rows, about)
    (evaluation / "results.json").write_text(json.dumps(results))
    lineage = {"evaluate": {"commit": commit}}
    (path / "lineage.json").write_text(json.dumps(lineage))
    return str(path)


def compare(**sets):
    return comparison.compare(
        {
            name: [played_run.read(path) for path in paths]
            for name, paths in sets.items()
        }
    )


GOOD = [1, 1, 1, 0.5, 0.5, 1, 1, 1, 0.75, 0.75]
POOR = [0, 1, 0, 0.5, 0.0, 1, 1, 0.5, 0.75, 0.25]


@pytest.fixture
def two(tmp_path):
    """Two methods in folders of their own."""
    return (
        folder(tmp_path / "a", rows_of("wtl", GOOD)),
        folder(tmp_path / "b", rows_of("pearl", POOR), seed=7, commit="beef"),
    )


def test_what_can_be_counted_by_hand(two):
    found = compare(a=[two[0]], b=[two[1]])
    assert found["protocol"]["tasks"] == TASKS and found["protocol"]["split"] == "test"
    assert [run["commit"] for run in found["runs"]] == ["c0ffee", "beef"]
    assert list(found["methods"]) == ["wtl", "pearl"]
    wtl = found["methods"]["wtl"]
    assert wtl["overall"]["success"] == pytest.approx(np.mean(GOOD))
    # Of ten tasks the two best and the two worst are trimmed.
    assert wtl["interquartile_mean"]["value"] == pytest.approx(
        np.mean(sorted(GOOD)[2:8])
    )
    profile = {p["tau"]: p["value"] for p in wtl["profile"]}
    assert profile == pytest.approx({0.25: 1.0, 0.5: 1.0, 0.75: 0.8, 1.0: 0.6})
    pair = found["pairs"]["wtl"]["pearl"]
    assert pair["difference"] == pytest.approx(np.mean(GOOD) - np.mean(POOR))
    assert pair["n"] == TASKS * SCENES and pair["tasks"] == TASKS
    # Five tasks are won, five are even, none is lost.
    assert pair["probability_of_improvement"]["value"] == pytest.approx(0.75)
    # Five differences, all of one sign: both tails of 2^5 patterns of signs.
    assert pair["p"] == pytest.approx(2 / 2**5)
    # Tasks 0 and 5 are of the family press.
    assert pair["families"]["press"]["difference"] == pytest.approx((1 + 0) / 2)
    assert pair["families"]["press"]["n"] == 2 * SCENES
    assert found["record"]["all"] == {
        "wtl": {"won": 1, "even": 0, "lost": 0},
        "pearl": {"won": 0, "even": 0, "lost": 1},
    }
    assert found["record"]["grasp"]["wtl"]["even"] == 1  # nobody lost a task


def test_improvement_is_mann_and_whitneys(tmp_path):
    rng = np.random.default_rng(0)
    rates = rng.integers(0, SCENES + 1, (2, 3, TASKS)) / SCENES
    paths = [
        [
            folder(tmp_path / f"{name}{i}", rows_of(name, r), seed=i)
            for i, r in enumerate(each)
        ]
        for name, each in zip(("wtl", "pearl"), rates, strict=True)
    ]
    found = compare(a=paths[0], b=paths[1])["pairs"]["wtl"]["pearl"]
    u = stats.mannwhitneyu(rates[0], rates[1], axis=0).statistic
    value = found["probability_of_improvement"]["value"]
    assert value == pytest.approx(np.mean(u / 9))
    assert found["difference"] == pytest.approx(rates[0].mean() - rates[1].mean())


def test_runs_that_differ_by_seed_are_one_method(tmp_path):
    paths = [
        folder(
            tmp_path / f"seed{i}",
            rows_of("wtl", rates) + rows_of("mil", rates[::-1]),
            seed=i,
        )
        for i, rates in enumerate((GOOD, POOR))
    ]
    found = compare(ours=paths)
    wtl = found["methods"]["wtl"]["overall"]
    assert found["seeds"] == [0, 1]
    assert wtl["success"] == pytest.approx((np.mean(GOOD) + np.mean(POOR)) / 2)
    expected = dict(zip(paths, (np.mean(GOOD), np.mean(POOR)), strict=True))
    assert wtl["per_run"] == pytest.approx(expected)
    assert found["paired"]["wtl_vs_mil"]["difference"] == pytest.approx(0)
    # Runs that both methods come from are drawn for both at once.
    assert found["paired"]["wtl_vs_mil"]["n"] == 2 * TASKS * SCENES


def test_a_method_of_several_sets_carries_the_name_of_the_set(tmp_path):
    new = folder(tmp_path / "n", rows_of("wtl", GOOD) + rows_of("mil", POOR))
    old = folder(tmp_path / "o", rows_of("wtl", POOR), demos_shown=3)
    found = compare(new=[new], old=[old])
    assert list(found["methods"]) == ["new/wtl", "old/wtl", "mil"]
    assert found["paired"]["new/wtl_vs_old/wtl"]["difference"] > 0
    assert found["pairs"]["old/wtl"]["mil"]["difference"] == 0
    assert "demos_shown" not in found["protocol"]


def test_the_order_of_runs_and_rollouts_does_not_matter(tmp_path):
    rng = np.random.default_rng(0)
    rows = [rows_of("wtl", GOOD) + rows_of("mil", POOR) for _ in range(2)]
    paths = [folder(tmp_path / f"s{i}", r, seed=i) for i, r in enumerate(rows)]
    before = compare(ours=paths)
    for i, r in enumerate(rows):
        rng.shuffle(r)
        folder(tmp_path / f"s{i}", r, seed=i)
    after = compare(ours=paths[::-1])
    for name in ("wtl", "mil"):
        assert after["methods"][name]["overall"] == before["methods"][name]["overall"]
    assert after["pairs"] == before["pairs"]


def _cli(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", *arguments])
    return ended.value.code


def test_one_command_writes_json_and_a_report_that_needs_nothing(two, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    given = [f"--compare={','.join(two)}", f"--out={out}"]
    assert _cli(*given) == 0
    said = capsys.readouterr().out
    assert "WTL" in said and "PEARL" in said and str(out / "report.html") in said
    results = json.loads((out / "results.json").read_text())
    assert {"protocol", "methods", "paired", "pairs", "record"} <= set(results)
    text = (out / "report.html").read_text()
    for word in (
        "Performance profiles",
        "Probability of improvement",
        "Wins by family",
    ):
        assert word in text
    assert two[1] in text and "beef" in text
    assert f"{100 * results['pairs']['wtl']['pearl']['difference']:+.1f}" in text
    assert not re.search(r"https?://|<script|<link|url\(", text)
    again = (out / "results.json").read_bytes()
    assert _cli(*given) == 0
    assert (out / "results.json").read_bytes() == again


def test_one_method_alone_is_described(two, tmp_path):
    assert _cli(f"--compare={two[0]}", f"--out={tmp_path / 'out'}") == 0
    assert "Wins by family" not in (tmp_path / "out" / "report.html").read_text()


def test_scenes_that_no_expert_solves_are_left_out(tmp_path):
    """Of one run; demonstrations of the other succeeded there."""
    rows = rows_of("wtl", GOOD)
    runs = [
        folder(tmp_path / "a", rows[:-1], seed=0),
        folder(tmp_path / "b", rows, seed=1),
    ]
    found = compare(wtl=runs)["methods"]["wtl"]["overall"]
    assert found["n"] == 2 * len(rows) - 1


def test_hostile_names_are_escaped(tmp_path):
    hostile = "<script>alert(1)</script>"
    path = folder(tmp_path / "a", rows_of(hostile, GOOD), commit=hostile)
    assert _cli(f"--compare={hostile}={path}", f"--out={tmp_path / 'out'}") == 0
    assert "<script" not in (tmp_path / "out" / "report.html").read_text()


def _other(tmp_path, kind):
    rows = rows_of("pearl", POOR)
    if kind == "split":
        return folder(tmp_path / "x", rows, split="val")
    if kind == "scenes_per_task":
        rows = [row for row in rows if row.pair < 2]
        return folder(tmp_path / "x", rows, scenes_per_task=2)
    if kind == "tasks":
        rows = [fakes.row("pearl", t + 5, k) for t in range(10) for k in range(4)]
        return folder(tmp_path / "x", rows)
    if kind == "scenes":
        rows = [dataclasses.replace(row, scene_seed=-1) for row in rows]
        return folder(tmp_path / "x", rows)
    if kind in ("incomplete", "twice"):
        path = folder(tmp_path / "x", rows)
        kept = rows[:-1] + (rows[:1] if kind == "twice" else [])
        rollout_row.write_csv(kept, tmp_path / "x/evaluation/episodes.csv")
        return path
    if kind == "same seed":
        return folder(tmp_path / "x", rows_of("wtl", POOR))
    if kind == "missing":
        return str(tmp_path / "nowhere")
    if kind == "no rollouts":
        path = folder(tmp_path / "x", rows)
        (tmp_path / "x/evaluation/episodes.csv").unlink()
        return path
    if kind == "damaged":
        path = folder(tmp_path / "x", rows)
        (tmp_path / "x/evaluation/results.json").write_text("{")
        return path
    path = folder(tmp_path / "x", rows)  # evaluated on validation tasks alone
    (tmp_path / "x/evaluation").rename(tmp_path / "x/val")
    (tmp_path / "x/evaluation").mkdir()
    (tmp_path / "x/val").rename(tmp_path / "x/evaluation/val")
    return path


@pytest.mark.parametrize(
    "kind, says",
    {
        "split": "split is 'val' there and 'test' here",
        "scenes_per_task": "scenes_per_task is 2 there and 4 here",
        "tasks": "5 of its 10 tasks are different",
        "scenes": "40 of 40 scenes, or the rules in them, are different",
        "incomplete": "has 39 scenes of pearl in 39 rollouts, but results.json says 40",
        "twice": "has 39 scenes of pearl in 40 rollouts",
        "same seed": "both hold wtl of seed 0.*--compare=NAME=RUN",
        "missing": "--compare=.*nowhere names no run, or a folder that does not",
        "no rollouts": "episodes.csv is missing",
        "damaged": "can't be read as an evaluation",
        "only val": "is missing; name .*evaluation/val to compare that",
    }.items(),
)
def test_what_cannot_be_compared_is_refused(kind, says, two, tmp_path, capsys):
    out = tmp_path / "out"
    assert _cli(f"--compare={two[0]},{_other(tmp_path, kind)}", f"--out={out}") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and re.search(says, said), said
    assert not out.exists()


def test_the_command_line_says_what_it_needs(two, tmp_path, capsys):
    assert _cli(f"--compare={two[0]}") == 1
    assert "--out=DIR" in capsys.readouterr().err
    assert _cli("--compare==", f"--out={tmp_path / 'out'}") == 1
    assert "names no run" in capsys.readouterr().err
    assert _cli("--compare=none/r=1,3", f"--out={tmp_path / 'out'}") == 1
    assert "--compare=none/r=1,3 names" in capsys.readouterr().err
    same = [f"--compare=x={path}" for path in two]
    assert _cli(*same, f"--out={tmp_path / 'out'}") == 1
    assert "two sets of runs are named x" in capsys.readouterr().err
    both = [f"--compare={two[0]}", f"--out={tmp_path / 'out'}", "--run_dir=x"]
    assert _cli(*both) == 1
    assert "go with --gin_file" in capsys.readouterr().err
    assert _cli("--gin_file=a.gin", "--out=x") == 1
    assert "--out goes with --compare" in capsys.readouterr().err
    assert _cli() == 2 and _cli("--gin_file=a.gin", f"--compare={two[0]}") == 2
