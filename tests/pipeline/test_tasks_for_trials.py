"""Trials on training tasks that the trial policy is not trained on."""

import pytest

import tests.plain_module  # noqa: F401  registers the world `plain_point`
from tests.pipeline.tiny import TINY, command, perform
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.pipeline import train as stage
from wtl.training import policy_training

SHARE = "run.trial_task_share=0.4"  # 4 of 10 tasks
PLAIN = ("suite.domain='plain_point'", "suite.train_tasks=3", "suite.left_out='left'")


@pytest.mark.slow
def test_trials_are_of_tasks_that_the_trial_policy_never_met(tmp_path, monkeypatch):
    jobs = []
    run_all = stage.process.run_all

    def recorded(planned, at_once):
        jobs.extend(planned)
        return run_all(planned, at_once)

    monkeypatch.setattr(stage.process, "run_all", recorded)
    bindings = (
        SHARE,
        "train_trial.methods=('mil',)",
        "collect_trials.sources=('mil',)",
    )
    for name in ("collect_demos", "train_trial", "collect_trials", "train_retrial"):
        assert perform(name, tmp_path, *bindings) == 0
    trial, retrial = jobs
    kept = trial.left_out_tasks
    assert len(kept) == 4 and not retrial.left_out_tasks
    datasets = tmp_path / "datasets"
    demos = reader.read(datasets / "wtl_demos/1.0.0", fields.SPLIT_TRAIN)
    tasks = set(demos[fields.TASK_ID])
    for job, met in ((trial, tasks - kept), (retrial, tasks)):
        data = policy_training._read(job, job.config)
        assert set(data.demos.true[fields.TASK_ID]) == met
    trials = reader.read(datasets / "wtl_trials/1.0.0", fields.SPLIT_TRAIN)
    assert set(trials[fields.TASK_ID]) == kept


def test_another_share_trains_anew_on_the_same_demonstrations(tiny_run, capsys):
    asked = ["run", f"--gin_file={TINY}", f"--run_dir={tiny_run}", "--dry_run"]
    assert command(*asked, f"--gin_bindings={SHARE}") == 0
    _, *lines, _ = capsys.readouterr().out.splitlines()
    planned = dict(line.split()[:2] for line in lines)
    assert planned.pop("collect_demos") == "reused"
    assert set(planned.values()) == {"runs"}


@pytest.mark.parametrize(
    "bindings, said",
    [
        (("run.trial_task_share=0.04",), "keeps 0 for trials"),
        (("run.trial_task_share=0.96",), "keeps 10 for trials"),
        (("run.trial_task_share=1.5",), "trial_task_share"),
        (("run.trial_task_share=0.3", *PLAIN), "of 1 training tasks keeps 0"),
    ],
)
def test_a_share_that_leaves_no_task_is_refused(bindings, said, tmp_path, capsys):
    assert perform("collect_demos", tmp_path, *bindings) != 0
    assert said in capsys.readouterr().err
    assert not (tmp_path / "datasets").exists()
