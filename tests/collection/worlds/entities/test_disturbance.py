"""Noise of observations, latency and reset error, in the environments of worlds."""

import dataclasses

import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.disturbance import Disturbance
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError


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


@pytest.mark.parametrize(
    "domain, error", [("tabletop", 0.04), ("tabletop_hard", 0.011)]
)
def test_objects_are_reset_anew_in_each_episode_of_a_scene(domain, error):
    suite = TaskDistribution(
        domain=domain,
        size=5,
        train_tasks=0,
        test_tasks=5,
        disturbance=Disturbance(reset_error=error),
    )
    for task in suite.tasks(fields.SPLIT_TEST):
        scene, states = task.scene(3), []
        for attempt in ("demo 0", "evaluation 0", "evaluation 1", "evaluation 1"):
            env = suite.world.make_env(task, 0)
            env.prepare(dataclasses.replace(scene, attempt=attempt))
            states.append(env.reset().observation[fields.STATE])
            placed, named = env.world.scene, task.object_set.scene(3)
            off = np.abs(placed.object_poses - named.object_poses)
            assert error / 4 < off[:, :2].max() <= error and (off[:, 2] == 0).all()
            touching = env.world.model.geom_bodyid[env.world.data.contact.geom]
            assert (touching == 0).any(axis=1).all()  # the table alone
            assert env.target_slot == scene.slot
            if domain == "tabletop_hard":
                np.testing.assert_array_equal(placed.picked, named.picked)
        assert len(np.unique(states, axis=0)) == 3
        np.testing.assert_array_equal(states[2], states[3])


@pytest.mark.parametrize("domain, most", [("tabletop_hard", 0.011), ("reacher", 0.0)])
def test_objects_that_would_touch_are_refused(domain, most):
    said = f"reset_error is 0.02; objects of '{domain}' have room for {most} m"
    with pytest.raises(UserError, match=said):
        TaskDistribution(domain=domain, disturbance=Disturbance(reset_error=0.02))
