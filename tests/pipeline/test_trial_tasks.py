"""Trials on training tasks that the trial policy is not trained on."""

import pytest

from tests.pipeline.tiny import perform
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.sampling.trial_tasks import kept_for_trials
from wtl.pipeline import train as stage
from wtl.training import policy_training

SHARE = "suite.trial_task_share=0.4"  # 4 of 10 tasks


@pytest.mark.slow
def test_trials_are_of_tasks_that_the_trial_policy_never_met(tmp_path, monkeypatch):
    jobs = []
    run_all = stage.process.run_all
    monkeypatch.setattr(
        stage.process,
        "run_all",
        lambda given, n: jobs.extend(given) or run_all(given, n),
    )
    bindings = (
        SHARE,
        "train_trial.methods=('mil',)",
        "collect_trials.sources=('mil',)",
    )
    for name in ("collect_demos", "train_trial", "collect_trials", "train_retrial"):
        assert perform(name, tmp_path, *bindings) == 0
    trial, retrial = jobs
    assert (trial.without_task_share, retrial.without_task_share) == (0.4, 0.0)
    datasets = tmp_path / "datasets"
    demos = reader.read(datasets / "wtl_demos/1.0.0", fields.SPLIT_TRAIN)
    tasks = demos[fields.TASK_ID]
    kept = set(tasks[kept_for_trials(tasks, 0.4)])
    assert len(kept) == 4
    trials = reader.read(datasets / "wtl_trials/1.0.0", fields.SPLIT_TRAIN)
    assert set(trials[fields.TASK_ID]) == kept
    for job, met in ((trial, set(tasks) - kept), (retrial, set(tasks))):
        data = policy_training._read(job, job.config)
        assert set(data.demos.true[fields.TASK_ID]) == met


@pytest.mark.parametrize("share", ["0.04", "0.96"])
def test_a_share_that_leaves_no_task_is_refused(share, tmp_path, capsys):
    assert perform("collect_demos", tmp_path, f"suite.trial_task_share={share}") != 0
    assert "leaves no task" in capsys.readouterr().err
