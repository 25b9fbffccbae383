"""The worlds of the folder `examples`."""

import importlib
import json
import pathlib
import sys

import numpy as np
import pytest

import wtl

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"
WORLDS = (
    "gym_world/paint",
    "dm_env_world/crane",
    "sets/touch",
    "tabletop_images/tabletop_images",
)
# For good: all later workers of this process import the modules too.
sys.path += [str(EXAMPLES / world.partition("/")[0]) for world in WORLDS]
TINY = (
    "suite.train_tasks = 10",
    "suite.val_tasks = 1",
    "suite.test_tasks = 2",
    "train_trial.methods = ('mil',)",
    "perception/TrainConfig.steps = 2",
    "run.trial_task_share = 0.0",
    "train_trial.steps = 2",
    "train_trial.batch_size = 4",
    "collect_trials.sources = ()",
    "train_retrial.methods = ()",
    "evaluate.scenes_per_task = 1",
)


def _results(run_dir):
    return json.loads((run_dir / "evaluation" / "results.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("example", WORLDS)
def test_a_world_runs(example, tmp_path):
    config = EXAMPLES / f"{example}.gin"
    results = _results(wtl.run(config, tmp_path / "run", TINY))
    assert results["protocol"]["world"] == config.stem
    assert results["methods"]["mil"]["overall"]["n"] == 2
    # An expert that fails leaves no demonstration.
    assert len(wtl.load_dataset(tmp_path / "run" / "datasets" / "wtl_demos")) >= 30
    lines = config.with_suffix(".py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 90


@pytest.mark.slow
@pytest.mark.parametrize("example", WORLDS[:2])  # of a minute
def test_a_demonstration_helps_in_a_world_at_its_default_size(example, tmp_path):
    run_dir = wtl.run(EXAMPLES / f"{example}.gin", tmp_path / "run")
    # Ten tasks give wide intervals: this is a check of the example, not a measurement.
    assert _results(run_dir)["paired"]["mil_vs_bc"]["difference"] > 0.1


@pytest.mark.slow
def test_first_observations_of_meta_world_show_where_things_are(monkeypatch):
    pytest.importorskip("metaworld")  # `make test-slow` installs it
    monkeypatch.syspath_prepend(EXAMPLES / "metaworld")
    module = importlib.import_module("metaworld_world")
    for name in ("window-open", "drawer-open", "dial-turn", "push"):
        env = module.MetaWorld(name, seed=1)
        first, second = (t.observation for t in (env.reset(), env.step(np.zeros(4))))
        np.testing.assert_allclose(
            first["objects"][0, :3], second["objects"][0, :3], atol=5e-3
        )
        assert not first["velocity"].any()


@pytest.mark.slow
def test_meta_world_runs_from_states_and_images(tmp_path):
    pytest.importorskip("metaworld")  # `make test-slow` installs it
    folder = EXAMPLES / "metaworld"
    tiny = (
        "suite.train_tasks = 2",
        "suite.test_tasks = 1",
        "suite.scenes_per_task = 3",
        "collect_demos.held_out_scenes = 2",
        "train_trial.methods = ('mil', 'retrieve_and_play')",
        "train_trial.steps = 2",
        "collect_trials.contexts_per_method = 4",
        "train_retrial.steps = 2",
        "perception/TrainConfig.steps = 2",
        "evaluate.scenes_per_task = 1",
        "evaluate.conditions = ('mil', 'retrieve_and_play', 'wtl')",
    )
    for name in ("metaworld", "metaworld_images", "metaworld_signs", "metaworld_ml10"):
        # Meta-World's own splits have no validation tasks.
        tasks = 0 if name == "metaworld_ml10" else 1
        bindings = (*tiny, f"suite.val_tasks = {tasks}")
        results = _results(wtl.run(folder / f"{name}.gin", tmp_path / name, bindings))
        assert [m["overall"]["n"] for m in results["methods"].values()] == [1, 1, 1]
