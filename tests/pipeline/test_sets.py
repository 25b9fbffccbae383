"""A world that observes a set of things: the policy chooses one of them."""

import importlib
import json
import pathlib
import sys

import numpy as np
import pytest

import wtl
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.format import schema
from wtl.training.policy_config import config_for

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "sets"
sys.path.append(str(EXAMPLE))  # for good: workers of this process import it too
TINY = (
    "suite.train_tasks = 8",
    "suite.val_tasks = 1",
    "suite.test_tasks = 2",
    "train_trial.methods = ('mil',)",
    "train_trial.steps = 2",
    "train_trial.batch_size = 4",
    "collect_trials.sources = ()",
    "train_retrial.methods = ()",
    "evaluate.scenes_per_task = 1",
    "evaluate.conditions = ('mil', 'mil_win_stay_lose_shift')",
    "run.workers = 1",
)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return wtl.run(EXAMPLE / "touch.gin", tmp_path_factory.mktemp("sets") / "run", TINY)


def test_after_a_failure_the_rule_acts_on_another_thing(run_dir):
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert set(results["methods"]) == {"mil", "mil_win_stay_lose_shift"}
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    played = wtl.load_dataset(run_dir / "datasets" / "wtl_evaluations", "test")
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")
    tries = played.where(policy_id=policy.policy_id)
    by_scene = {}
    for episode in tries:
        by_scene.setdefault(episode.metadata["scene_seed"], []).append(episode)
    for first, second in by_scene.values():
        same = np.array_equal(first.steps["action"], second.steps["action"])
        assert same == first.metadata["success"]
        policy.reset(demos=demos.where(episode_id=first.metadata["parent_demo_ids"][0]))
        assert policy.inputs["discs"] == (3, 4)
        seen = {name: first.steps[name][0] for name in policy.inputs}
        np.testing.assert_allclose(
            policy.act(seen), first.steps["action"][0], atol=1e-5
        )


def test_the_order_of_things_does_not_matter(run_dir):
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    demo = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")[0]
    actions = []
    for order in ([0, 1, 2], [2, 0, 1]):
        policy.reset(demos=[demo])
        discs = demo.steps["discs"][0][order]
        actions.append(policy.act({"discs": discs, "hand": demo.steps["hand"][0]}))
    np.testing.assert_allclose(actions[1], actions[0], atol=1e-5)


def test_an_oracle_reads_all_things_and_other_policies_choose_one():
    importlib.import_module("touch")
    suite = TaskDistribution(domain="touch", train_tasks=8, val_tasks=1, test_tasks=2)
    chosen = {name: config_for(name, suite).encoder for name in ("mil", "oracle_task")}
    assert chosen == {"mil": "rows", "oracle_task": "flat"}


def test_a_dataset_of_it_names_its_sets(run_dir):
    importlib.import_module("touch")
    spec = schema.stored_spec(run_dir / "datasets" / "wtl_demos" / "1.0.0")
    assert [o.name for o in spec.observations if o.is_set] == ["discs"]
    assert spec == wtl.worlds.get("touch").episodes
