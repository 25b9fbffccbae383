"""A run that the tests of the Python API share."""

import pytest

import wtl

TINY = (
    "suite.train_tasks = 10",
    "suite.train_object_sets = 10",
    "suite.val_tasks = 1",
    "suite.test_tasks = 2",
    "train_trial.steps = 4",
    "train_trial.batch_size = 8",
    "train_trial.methods = ('mil',)",
    "collect_trials.sources = ('mil',)",
    "collect_trials.contexts_per_method = 10",
    "train_retrial.methods = ('wtl',)",
    "train_retrial.steps = 4",
    "train_retrial.batch_size = 8",
    "evaluate.conditions = ('mil', 'wtl')",
)


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api") / "run"
    return wtl.run("gin_configs/quickstart.gin", folder, TINY)
