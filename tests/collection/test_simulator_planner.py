"""Planners that rehearse in the simulator."""

import numpy as np

from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.simulator_planner import SimulatorPlanner
from wtl.collection.worlds import registry
from wtl.collection.worlds.plain.environment import PlainEnvironment
from wtl.datasets.contract import fields
from wtl.policies.planner.config import PlannerConfig


def test_it_runs_and_the_same_request_gives_the_same_episode(monkeypatch):
    steps = property(lambda self: 60, lambda self, value: None)
    monkeypatch.setattr(PlainEnvironment, "horizon", steps, raising=False)
    world = registry.get("half_cheetah")
    tasks = world.tasks(fields.SPLIT_TEST, 0, count=2)
    requests = tuple(
        EpisodeRequest(task.scene(3), f"wtl_evaluations-{i}", fields.ROLE_EVAL)
        for i, task in enumerate(tasks)
    )
    config = PlannerConfig(candidates=32, horizon=8, iterations=1)
    actor = SimulatorPlanner(config, with_fault=True)
    first, second = EpisodeShard(actor, requests).play()
    assert first.metadata[fields.DEMONSTRATOR] == "simulator"
    assert all(e.steps[fields.STATE][:, 0].mean() > 0.5 for e in (first, second))
    (again,) = EpisodeShard(actor, requests[:1]).play()
    np.testing.assert_array_equal(first.steps["action"], again.steps["action"])
