"""The worlds of the folder `examples` through all stages, at tiny size."""

import json
import pathlib
import sys

import pytest

import wtl

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"
# For good: all later workers of this process import the modules too.
sys.path += map(str, (EXAMPLES / "gym_world", EXAMPLES / "dm_env_world"))
TINY = (
    "suite.train_tasks = 10",
    "suite.val_tasks = 1",
    "suite.test_tasks = 2",
    "train_trial.methods = ('mil',)",
    "train_trial.steps = 2",
    "train_trial.batch_size = 4",
    "collect_trials.contexts_per_method = 10",
    "collect_trials.sources = ('mil',)",
    "train_retrial.steps = 2",
    "train_retrial.batch_size = 4",
    "evaluate.scenes_per_task = 1",
)


@pytest.mark.parametrize("example", ("gym_world/paint", "dm_env_world/crane"))
def test_a_world_runs(example, tmp_path):
    config = EXAMPLES / f"{example}.gin"
    run_dir = wtl.run(config, tmp_path / "run", TINY)
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert results["protocol"]["world"] == config.stem
    assert {"mil", "wtl"} <= set(results["methods"])
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos")
    # The expert succeeds in nearly every scene: a failed one leaves no demonstration.
    assert len(demos) >= 0.9 * (10 * 3 + 2 * 1)
    lines = config.with_suffix(".py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 80
