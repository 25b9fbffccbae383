"""The whole pipeline in the reacher's world: only a trial shows what is hidden."""

import csv
import json
import pathlib

import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify
from wtl.evaluation import table

pytestmark = pytest.mark.slow

_CONFIG = pathlib.Path(__file__).with_name("reacher.gin")


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def _run(stage: str, run_dir: pathlib.Path, *bindings: str) -> int:
    given = [f"--gin_bindings={binding}" for binding in bindings]
    return _wtl(stage, f"--gin_file={_CONFIG}", f"--run_dir={run_dir}", *given)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "reacher"
    assert _run("run", run_dir) == 0
    return run_dir


@pytest.fixture(scope="module")
def results(run_dir):
    return json.loads((run_dir / "evaluation/results.json").read_text())


def test_a_retrial_beats_trials_by_far(results):
    """Nobody who never tried knows the motors; one try tells them."""
    mil, second, wtl = (
        results["methods"][name]["overall"]["success"]
        for name in ("mil", "mil_second_try", "wtl")
    )
    assert max(mil, second) < 0.45
    assert wtl > max(mil, second) + 0.3
    low, _ = results["paired"]["wtl_vs_mil"]["ci95"]
    assert low > 0.2
    after = results["methods"]["wtl"]["given_trial_failed"]
    assert after["n"] > 30 and after["success"] > 0.5


def test_bounds_tell_what_the_demonstration_does_not(results, run_dir):
    played = reader.read(run_dir / "datasets/wtl_evaluations")
    signs = [tuple(g > 0 for g in gains) for gains in played[fields.HIDDEN_GAINS]]
    commonest = max(signs.count(sign) for sign in set(signs)) / len(signs)
    assert commonest < 0.5
    assert results["methods"]["mil"]["ceiling"] == pytest.approx(commonest)
    assert results["methods"]["wtl"]["ceiling"] == 1.0
    assert "reach" in table.format_table(results)


def test_datasets_keep_the_contract(run_dir):
    for name in (fields.WTL_DEMOS, fields.WTL_TRIALS, fields.WTL_EVALUATIONS):
        assert not verify.verify(run_dir / "datasets" / name), name
    demos = reader.read(run_dir / "datasets/wtl_demos", fields.SPLIT_TRAIN)
    assert set(demos[fields.FAMILY]) == {"reach"}
    assert demos.action.shape[-1] == 2
    assert {tuple(gains) for gains in demos[fields.HIDDEN_GAINS]} == {
        (x, y) for x in (-1, 1) for y in (-1, 1)
    }


def test_every_rollout_is_a_row_and_the_report_shows_the_arm(run_dir):
    with open(run_dir / "evaluation/episodes.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 24 * 4
    report = (run_dir / "evaluation/report.html").read_text()
    assert "Bring the fingertip to the same target." in report
    films = list((run_dir / "evaluation/videos").glob("*-reach-try.svg"))
    assert films and all("<animateTransform" in film.read_text() for film in films)


@pytest.mark.parametrize(
    ("stage", "binding"),
    [
        ("collect_demos", "camera.pixels=16"),
        ("collect_human_videos", "collect_human_videos.scenes_per_task=1"),
        ("teleop", "teleop.speed=1.0"),
    ],
)
def test_what_this_world_has_not_is_said(run_dir, capsys, stage, binding):
    assert _run(stage, run_dir, binding) == 1
    assert "suite.domain = 'reacher' has none" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["reinforce", "meta_rl"])
def test_baselines_of_other_worlds_are_refused(run_dir, capsys, stage):
    assert _run(stage, run_dir) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "needs a world with `trial_tasks`" in error


def test_there_is_a_second_round_of_trials(run_dir):
    bindings = (
        "collect_retrials.sources=('wtl',)",
        "train_second_round.methods=('wtl_second_round',)",
        "train_second_round.steps=20",
    )
    for stage in ("collect_retrials", "train_second_round"):
        assert _run(stage, run_dir, *bindings) == 0
    retrials = reader.read(run_dir / "datasets/wtl_retrials", fields.SPLIT_TRAIN)
    trials = reader.read(run_dir / "datasets/wtl_trials", fields.SPLIT_TRAIN)
    assert len(retrials) == len(trials)
    assert retrials[fields.SUCCESS].mean() > trials[fields.SUCCESS].mean() + 0.2
    assert (run_dir / "policies/wtl_second_round/saved_model").exists()
