"""`wtl reinforce` as a user meets it: run, rerun, interrupt, break."""

import dataclasses
import json
import pathlib
import shutil

import fake_evaluation as fakes
import pytest

from wtl.commands import cli
from wtl.evaluation import rollout_row
from wtl.evaluation.scenario import Scenario, scenarios
from wtl.pipeline import reinforce, stages
from wtl.training import process, reinforcement_job

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "tiny.gin")
SMALL = (
    "reinforce.tasks=1",
    "reinforce.methods=('mil_sac_demo', 'sac')",
    "reinforce.trials=6",
    "reinforce.at_once=3",
    "reinforce.evaluate_every=3",
    "reinforce.scenes_per_task=2",
    "reinforce/SacConfig.batch_size=8",
    "reinforce/SacConfig.critic_hidden=(8,)",
    "reinforce/SacConfig.updates_per_trial=1",
    "reinforce/SacConfig.warmup_trials=3",
)


def _stage(stage: str, run_dir, *bindings: str, gin_file: str = TINY) -> int:
    arguments = [stage, f"--gin_file={gin_file}", f"--run_dir={run_dir}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *(f"--gin_bindings={b}" for b in bindings)])
    return ended.value.code


@pytest.fixture(scope="module")
def trained_run(finished_run, tmp_path_factory):
    """A run of which the evaluation says that WTL always succeeds."""
    run_dir = tmp_path_factory.mktemp("runs") / "tiny"
    shutil.copytree(finished_run, run_dir)
    _write_evaluation(run_dir, TINY, ("wtl", "mil", "bc"), scenes=2)
    return run_dir


def _write_evaluation(run_dir, gin_file: str, methods, scenes: int):
    """Write results in which WTL, and nothing else, succeeded everywhere."""
    stages.configure(gin_file, [])
    found = scenarios(stages.suite(), "test", scenes)
    rows = [_row(name, scenario) for name in methods for scenario in found]
    rollout_row.write_csv(rows, run_dir / "evaluation/episodes.csv")


def _row(method: str, scenario: Scenario) -> rollout_row.RolloutRow:
    return dataclasses.replace(
        fakes.row(method, pair=scenario.index, success=method == "wtl"),
        task_id=scenario.task.task_id,
        family=scenario.task.family,
        rule=str(scenario.task.rule),
        scene_seed=scenario.scene_seed,
    )


@pytest.fixture(scope="module")
def reinforced_run(trained_run):
    assert _stage("reinforce", trained_run, *SMALL) == 0
    return trained_run


@pytest.fixture
def copied_run(reinforced_run, tmp_path):
    shutil.copytree(reinforced_run, tmp_path / "copy")
    return tmp_path / "copy"


def _records(run_dir) -> dict[str, bytes]:
    found = (run_dir / "reinforce/records").glob("*.json")
    return {path.name: path.read_bytes() for path in found}


def test_curves_are_as_promised(reinforced_run):
    folder = reinforced_run / "reinforce"
    curves = json.loads((folder / "curves.json").read_text())
    assert set(curves["arms"]) == {"mil_sac_demo", "sac"}
    assert set(curves["reference"]) == {"wtl", "mil", "bc"}
    for curve in curves["arms"].values():
        assert curve["trials"] == [0, 3, 6]
        assert curve["tasks"] == 1 and len(curve["success"]) == 3
        assert curve["needed"]["budget"] == 6
    assert curves["protocol"]["scenes"] == "fresh"
    assert len(_records(reinforced_run)) == 2
    assert curves["reference"]["wtl"]["success"] == [1.0]
    assert "image/svg+xml" in (folder / "report.html").read_text()
    lineage = json.loads((reinforced_run / "lineage.json").read_text())["reinforce"]
    assert set(lineage["inputs"]) == {"wtl_demos", "mil", "episodes"}


def test_what_is_mastered_is_left_at_that():
    budget = reinforcement_job.Budget(trials=1000, evaluate_every=100, patience=300)
    trials = [0, 10, 100, 200, 300, 400]
    won = [[1, 1]] * 6
    assert [budget.mastered(trials[:n], won[:n]) for n in range(1, 7)] == [
        *(False,) * 4,
        *(True,) * 2,
    ]
    lost = [*won[:3], [1, 0], *won[4:]]
    assert not budget.mastered(trials, lost)
    assert budget.mastered([*trials, 500, 600], [*lost, [1, 1], [1, 1]])
    record = {"success": [[0, 0], [0, 1], [1, 1]]}
    assert list(reinforce._success(record, 5)) == [0, 0.5, 1, 1, 1]


def test_a_second_time_there_is_nothing_to_do(copied_run):
    before = (copied_run / "reinforce/curves.json").stat().st_mtime_ns
    assert _stage("reinforce", copied_run, *SMALL) == 0
    assert (copied_run / "reinforce/curves.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_interrupted_it_goes_on_with_what_is_missing(copied_run, monkeypatch, capsys):
    whole = _records(copied_run)
    shutil.rmtree(copied_run / "reinforce")
    todo, run_all = [], process.run_all

    def interrupted(jobs, workers, on_done):
        """Does one job, as the command would, and is stopped in the next."""
        todo.append([job.record.name for job in jobs])
        run_all(jobs[:1], workers, on_done)
        raise KeyboardInterrupt

    monkeypatch.setattr(reinforce.process, "run_all", interrupted)
    assert _stage("reinforce", copied_run, *SMALL) == 130
    assert "rerun the command to resume" in capsys.readouterr().err
    assert len(todo[0]) == 2 and set(_records(copied_run)) == {todo[0][0]}
    assert not (copied_run / "reinforce/curves.json").exists()
    assert _stage("reinforce", copied_run, *SMALL) == 130
    assert todo[1] == todo[0][1:]
    # The same seeds, the same trials, the same success.
    again = _records(copied_run)
    assert set(again) == set(whole)
    for name, text in again.items():
        made, was = json.loads(text), json.loads(whole[name])
        assert {**made, "seconds": 0} == {**was, "seconds": 0}
    monkeypatch.undo()
    assert _stage("reinforce", copied_run, *SMALL) == 0
    assert (copied_run / "reinforce/curves.json").exists()


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("reinforce.methods=('bc_scc',)", "'bc_scc'; choose from mil_sac_demo"),
        ("reinforce.tasks=6", "has 5"),
        ("reinforce.scenes='other'", "choose from fresh, evaluation"),
        ("reinforce.split='train'", "choose from val, test"),
        ("reinforce.trials=0", "1 or more"),
        ("reinforce.no_such_name=1", "no_such_name"),
        ("reinforce/SacConfig.no_such_name=1", "no_such_name"),
        ("reinforce.split='val'", "run `wtl evaluate` with evaluate.split = 'val'"),
        ("reinforce.scenes_per_task=3", "evaluate"),
        ("camera.pixels=64", "set camera.pixels to 0"),
    ],
)
def test_wrong_settings_are_one_line(reinforced_run, capsys, binding, said):
    assert _stage("reinforce", reinforced_run, *SMALL, binding) == 1
    error = capsys.readouterr().err.strip()
    assert said in error and "Traceback" not in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("policies/mil", "run `wtl train_trial`"),
        ("policies/mil/checkpoints", "no checkpoint"),
        ("evaluation/episodes.csv", "run `wtl evaluate`"),
        ("datasets/wtl_demos", "run `wtl collect_demos`"),
    ],
)
def test_what_is_missing_is_named(copied_run, capsys, missing, said):
    shutil.rmtree(copied_run / "reinforce")
    path = copied_run / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert _stage("reinforce", copied_run, *SMALL) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error and "Traceback" not in error


@pytest.mark.slow
def test_trials_tell_a_place_from_an_identity(tmp_path):
    """The first test task is a button by its place; MIL takes it for an identity."""
    run_dir, gin_file = tmp_path / "run", str(ROOT / "gin_configs/bc_sac_quick.gin")
    settings = (
        "train_trial.methods=('mil',)",
        "train_trial.steps=1200",
        "reinforce.tasks=1",
        "reinforce.methods=('mil_sac_demo', 'sac')",
        "reinforce.trials=200",
    )
    for stage in ("collect_demos", "train_trial"):
        assert _stage(stage, run_dir, *settings, gin_file=gin_file) == 0
    _write_evaluation(run_dir, gin_file, ("wtl",), scenes=4)
    assert _stage("reinforce", run_dir, *settings, gin_file=gin_file) == 0
    curves = json.loads((run_dir / "reinforce/curves.json").read_text())
    learnt = curves["arms"]["mil_sac_demo"]["success"]
    assert learnt[0] < 1 and learnt[-1] == 1
    assert curves["arms"]["mil_sac_demo"]["needed"]["mean"]["trials"] <= 150
    assert curves["arms"]["sac"]["success"][-1] < 0.5
