"""`wtl reinforce` as a user meets it: run, rerun, interrupt, break."""

import json
import pathlib
import shutil

import pytest

from policies.bc_sac import config as configs
from wtl import cli
from wtl.pipeline import reinforce
from wtl.training import process

ROOT = pathlib.Path(__file__).resolve().parents[1]
TINY = str(ROOT / "tests" / "tiny.gin")
SMALL = (
    "reinforce.tasks=2",
    "reinforce.arms=('mil_sac_demo', 'sac')",
    "reinforce.trials=6",
    "reinforce.round=3",
    "reinforce.evaluate_every=3",
    "reinforce.scenes_per_task=2",
    "reinforce.batch_size=8",
    "reinforce.critic_hidden=(8,)",
    "reinforce.updates_per_trial=1",
    "reinforce.warmup_trials=3",
)


def _stage(stage: str, run_dir, *bindings: str) -> int:
    arguments = [stage, f"--gin_file={TINY}", f"--run_dir={run_dir}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *(f"--gin_bindings={b}" for b in bindings)])
    return ended.value.code


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "tiny"
    assert _stage("run", run_dir) == 0
    return run_dir


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
    for arm in curves["arms"].values():
        assert arm["trials"] == [0, 3, 6]
        assert arm["tasks"] == 2 and len(arm["success"]) == 3
        assert arm["needed"]["budget"] == 6
    assert curves["protocol"]["scenes"] == "fresh"
    assert len(_records(reinforced_run)) == 4
    assert "<svg" in (folder / "report.html").read_text()
    lineage = json.loads((reinforced_run / "lineage.json").read_text())["reinforce"]
    assert set(lineage["inputs"]) == {"wtl_demos", "mil", "episodes"}


def test_a_second_time_there_is_nothing_to_do(copied_run):
    before = (copied_run / "reinforce/curves.json").stat().st_mtime_ns
    assert _stage("reinforce", copied_run, *SMALL) == 0
    assert (copied_run / "reinforce/curves.json").stat().st_mtime_ns == before


def test_interrupted_it_goes_on_with_what_is_missing(copied_run, monkeypatch, capsys):
    whole = _records(copied_run)
    shutil.rmtree(copied_run / "reinforce")
    todo = []

    def interrupted(jobs, workers, on_done):
        """Does one job, as the command would, and is stopped in the next."""
        todo.append([job.record.name for job in jobs])
        process.run_all(jobs[:1], workers, on_done)
        raise KeyboardInterrupt

    monkeypatch.setattr(reinforce.process, "run_all", interrupted)
    assert _stage("reinforce", copied_run, *SMALL) == 130
    assert "goes on where it stopped" in capsys.readouterr().err
    first = _records(copied_run)
    assert len(todo[0]) == 4 and len(first) == 1
    assert not (copied_run / "reinforce/curves.json").exists()
    # One more is done; the others are as if they had been.
    for name in todo[0][2:]:
        (copied_run / "reinforce/records" / name).write_bytes(whole[name])
    assert _stage("reinforce", copied_run, *SMALL) == 130
    assert todo[1] == [todo[0][1]]
    again = _records(copied_run)
    assert set(again) == set(whole)
    for name, text in again.items():
        # The same seeds, the same trials, the same success.
        made, was = json.loads(text), json.loads(whole[name])
        assert {**made, "seconds": 0} == {**was, "seconds": 0}
    monkeypatch.undo()
    assert _stage("reinforce", copied_run, *SMALL) == 0
    assert (copied_run / "reinforce/curves.json").exists()


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("reinforce.arms=('bc_scc',)", "'bc_scc'; known are mil_sac_demo"),
        ("reinforce.tasks=6", "has 5"),
        ("reinforce.scenes='other'", "known are fresh, evaluation"),
        ("reinforce.split='train'", "'val' or 'test'"),
        ("reinforce.trials=0", "at least 1"),
        ("reinforce.no_such_name=1", "no_such_name"),
        ("reinforce.split='val'", "run `wtl evaluate` with evaluate.split = 'val'"),
        ("reinforce.scenes_per_task=3", "evaluate"),
        ("camera.pixels=64", "without camera.pixels"),
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
        ("policies/trial", "run `wtl train_trial`"),
        ("policies/trial/checkpoints", "no checkpoint"),
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


def test_arms_are_explained():
    from wtl.evaluation import glossary

    assert {arm.name for arm in configs.ARMS} <= set(glossary.METHODS)
