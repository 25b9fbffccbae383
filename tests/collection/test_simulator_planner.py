"""Planners that rehearse in the simulator."""

import types

import numpy as np
import pytest

from wtl.collection import simulator_planner
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


@pytest.mark.parametrize(("end_cost", "falls"), ((0.0, True), (5.0, False)))
def test_it_avoids_a_fall_that_costs_more_than_it_earns(end_cost, falls, monkeypatch):
    world = registry.get("half_cheetah")

    def rehearse(environment, actions, with_fault):
        """Earn the first command; the episode ends where it is above a half."""
        ends = (actions[..., 0] > 0.5) & (np.arange(actions.shape[1]) == 0)
        return actions[..., 0], ends

    environments = types.SimpleNamespace(
        environments=[types.SimpleNamespace(timestep=_Going(), native=None)]
    )
    changed = types.SimpleNamespace(spec=world.spec, rehearse=rehearse)
    monkeypatch.setattr(registry, "get", lambda name: changed)
    config = PlannerConfig(candidates=64, horizon=2, iterations=1, end_cost=end_cost)
    plans = simulator_planner._Rehearsals(SimulatorPlanner(config, with_fault=True))
    (task,) = world.tasks(fields.SPLIT_TEST, 0, count=1)
    request = EpisodeRequest(task.scene(3), "wtl_evaluations-0", fields.ROLE_EVAL)
    plans.begin(environments, [request], {})
    for _ in range(3):
        action, _ = plans.act({})
    assert (action[0, 0] > 0.5) == falls


class _Going:
    """Timestep of an episode that goes on."""

    def last(self) -> bool:
        return False
