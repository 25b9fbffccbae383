"""Noise of observations and latency of actions, in the environments of worlds."""

import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.disturbance import Disturbance
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields


def _play(domain="tabletop", steps=6, **disturbance):
    """States of an episode of constant commands, [steps + 1, S], and the layout."""
    suite = TaskDistribution(
        domain=domain,
        test_tasks=1,
        train_tasks=0,
        size=2,
        disturbance=Disturbance(**disturbance) if disturbance else None,
    )
    task = suite.tasks(fields.SPLIT_TEST)[0]
    env = suite.world.make_env(task, 7)
    command = np.full(len(env.axes), 0.5)
    timesteps = [env.reset(), *(env.step(command) for _ in range(steps))]
    return np.stack([t.observation[fields.STATE] for t in timesteps]), suite.layout


def test_latency_delays_the_same_motion():
    state, layout = _play(steps=6)
    late, _ = _play(steps=8, latency=2)
    body = layout.split(state)["gripper"], layout.split(late)["gripper"]
    assert (body[0][1] != body[0][0]).any()
    assert np.abs(body[1][:3, :3] - body[1][0, :3]).max() < 2e-3
    np.testing.assert_allclose(body[1][2:, :3], body[0][:, :3], atol=2e-3)


@pytest.mark.parametrize("domain", ("tabletop", "reacher"))
def test_noise_is_on_places_of_everything_but_the_robot_and_correlated(domain):
    clean, layout = _play(domain)
    noisy, _ = _play(domain, observation_noise=0.01, correlation=0.99)
    again, _ = _play(domain, observation_noise=0.01, correlation=0.99)
    np.testing.assert_array_equal(noisy, again)
    off, places = noisy - clean, layout.positions() > 0
    assert (off[:, ~places] == 0).all() and (off[:, places] != 0).all()
    assert 0.003 < off[:, places].std() < 0.02
    assert np.abs(np.diff(off[:, places], axis=0)).mean() < 0.4 * off[:, places].std()


@pytest.mark.parametrize("domain, count", [("tabletop", 5), ("reacher", 3)])
def test_experts_are_not_late(domain, count):
    late = Disturbance(latency=2, observation_noise=0.005)
    suite = TaskDistribution(
        domain=domain, test_tasks=count, train_tasks=0, size=2, disturbance=late
    )
    for task in suite.tasks(fields.SPLIT_TEST):
        assert demonstrate(request(task.scene(3)), noise=0.1) is not None
