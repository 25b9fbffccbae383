"""The pipeline given what is wrong: one line that says what to do."""

import json
import os
import shutil

import pytest

from tests.pipeline.tiny import command, perform
from wtl.pipeline.player import Player
from wtl.pipeline.run_folder import RunFolder


def test_verify_fails_on_a_flipped_byte(copied_run, capsys):
    shard = next((copied_run / "datasets/wtl_demos/1.0.0").glob("*.tfrecord*"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert command("verify", str(copied_run / "datasets/wtl_demos")) == 1
    assert shard.name in capsys.readouterr().out


def test_run_folder_in_use_is_refused(tiny_run, capsys):
    with RunFolder(tiny_run).lock():
        assert perform("evaluate", tiny_run) == 1
    error = capsys.readouterr().err.strip()
    assert f"in use by process {os.getpid()}" in error
    assert len(error.splitlines()) == 1


@pytest.mark.slow
def test_what_an_earlier_version_played_is_named(copied_run, monkeypatch, capsys):
    shutil.rmtree(copied_run / "evaluation")
    name = Player._episode_id  # which ends in a hash of 16 digits

    def renamed(*args):
        return name(*args)[:-16] + name(*args)[:-17:-1]

    monkeypatch.setattr(Player, "_episode_id", renamed)
    assert perform("evaluate", copied_run) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "an earlier version" in error and "staging/wtl_evaluations-" in error


def _as_of_first_version(run_dir):
    """Give the policies the folders and descriptions that WTL 0.1.0 gave them."""
    policies = run_dir / "policies"
    for name, folder in (("mil", "trial"), ("wtl", "retrial"), ("bc", "bc")):
        (policies / name).rename(policies / folder)
        path = policies / folder / "policy.json"
        entry = json.loads(path.read_text())
        del entry["format"]
        path.write_text(json.dumps(entry))


@pytest.mark.parametrize(
    ("stage", "bindings"),
    [
        ("evaluate", []),
        ("evaluate", ["evaluate.conditions=('wtl', 'mil')"]),
        ("collect_trials", []),
        ("train_retrial", []),
        ("play", []),
    ],
)
def test_policies_of_the_first_version_are_refused(copied_run, capsys, stage, bindings):
    _as_of_first_version(copied_run)
    assert perform(stage, copied_run, *bindings) == 1
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert "earlier version" in error and "run `wtl run`" in error
    assert "the datasets still load" in error


@pytest.mark.slow
def test_a_run_of_the_first_version_is_trained_again(copied_run):
    before = (copied_run / "lineage.json").read_text()
    _as_of_first_version(copied_run)
    for stage in ("train_trial", "train_retrial"):
        assert perform(stage, copied_run) == 0
        after = json.loads((copied_run / "lineage.json").read_text())
        assert after[stage]["outputs"] == json.loads(before)[stage]["outputs"]


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("suite.no_such_name=1", "no_such_name"),
        ("train_tria.steps=1", "train_tria"),
        ("collect_demos.noise=", "configuration is wrong"),
        ("train_trial.no_such_name=1", "no_such_name"),
        ("train_trial.methods=('mli',)", "'mli'"),
        ("mil/ContextualConfig.no_such_name=2", "no_such_name"),
        ("mil/ContextualConfig.demos=False", "demos"),
        ("mil/ContextualConfig.head='tail'", "'tail'; it may be mixture"),
        ("camera.wrist=True", "set camera.pixels"),
    ],
)
def test_wrong_gin_is_one_line(tiny_run, capsys, binding, said):
    assert perform("train_trial", tiny_run, binding) == 1
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("name", ["mill", "sac"])  # SAC has no policy in a run
@pytest.mark.parametrize(
    ("setting", "first"),
    [
        ("train_trial.methods", "mil, maml"),
        ("train_retrial.methods", "wtl, wtl_human"),
        ("train_second_round.methods", "wtl_second_round"),
        ("collect_trials.sources", "wtl, wtl_second_round, mil"),
        ("collect_retrials.sources", "wtl, wtl_second_round, wtl_human"),
        ("evaluate.conditions", "wtl, wtl_2_trials"),
    ],
)
def test_names_that_do_not_fit_are_one_line(tmp_path, capsys, setting, first, name):
    assert perform(setting.split(".")[0], tmp_path, f"{setting}=('{name}',)") == 1
    error = capsys.readouterr().err.strip()
    assert f"{setting} names {name!r}; choose from {first}" in error
    assert len(error.splitlines()) == 1


def test_a_policy_of_another_stage_is_refused(tmp_path, capsys):
    assert perform("train_trial", tmp_path, "train_trial.methods=('wtl',)") == 1
    assert "'wtl'; choose from mil, maml" in capsys.readouterr().err


def test_maml_adapts_no_choice_of_a_way_of_acting(tmp_path, capsys):
    bindings = "suite.domain='tabletop_rich'", "train_trial.methods=('maml',)"
    assert perform("train_trial", tmp_path, *bindings) == 1
    assert "maml/MamlConfig.per_entity = False" in capsys.readouterr().err


def test_there_must_be_a_condition(tmp_path, capsys):
    assert perform("evaluate", tmp_path, "evaluate.conditions=()") == 1
    assert "evaluate.conditions is empty" in capsys.readouterr().err


def test_missing_gin_file_is_one_line(tmp_path, capsys):
    code = command("run", "--gin_file=nowhere.gin", f"--run_dir={tmp_path}/run")
    assert code == 1
    assert "nowhere.gin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("train_trial", "run `wtl collect_demos`"),
        ("collect_trials", "run `wtl"),
        ("train_retrial", "run `wtl"),
        ("evaluate", "run `wtl"),
    ],
)
def test_a_stage_alone_tells_what_is_missing(tmp_path, capsys, stage, said):
    assert perform(stage, tmp_path / "empty") == 1
    error = capsys.readouterr().err
    assert said in error and "In call to" not in error


def test_datasets_of_another_world_are_refused(tiny_run, capsys):
    assert perform("collect_trials", tiny_run, "suite.size=2") == 1
    assert "suite.size is 2" in capsys.readouterr().err


def test_full_disk_is_one_line_and_loses_nothing(copied_run, capsys, monkeypatch):
    import errno

    from wtl.datasets.storage import staging

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(staging.os, "write", full)
    assert perform("collect_demos", copied_run, "run.seed=5") == 1
    error = capsys.readouterr().err
    assert "disk" in error or "space" in error
    assert "Traceback" not in error
    monkeypatch.undo()
    assert perform("collect_demos", copied_run, "run.seed=5") == 0
    assert (copied_run / "datasets/wtl_demos/2.0.0").exists()
    assert (copied_run / "datasets/wtl_demos/1.0.0").exists()
