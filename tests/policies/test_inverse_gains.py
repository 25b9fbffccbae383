"""Policies infer hidden actuator gains from a trial, and from nothing else."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection import context_builder
from wtl.collection.recorder import Recorder
from wtl.collection.worlds.entities import actuator_gains
from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.tabletop.puck import PuckRanges
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.fields import STATE
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import stack
from wtl.policies import export, features
from wtl.policies.contextual import context as contexts
from wtl.policies.heads.inverse_gains import inverse_gains
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

SUITE = TaskDistribution(
    train_object_sets=5,
    train_tasks=5,
    motor_faults=ActuatorGainDistribution(("x", "y", "z", "yaw")),
    puck=PuckRanges(),
)
LAYOUT = observation.Layout(3)


def _trials(suite=SUITE):
    """Random movements under the gains of tasks."""
    played = []
    for i, task in enumerate(suite.tasks(fields.SPLIT_TRAIN)):
        rng = np.random.default_rng(i)
        env = Manipulation(SceneConfig(task, i, 0))
        recorder = Recorder(env)
        recorder.start(env.reset())
        for _ in range(HORIZON):
            action = rng.uniform(-0.2, 0.2, 5)
            recorder.add(action, env.step(action))
        played.append(recorder.episode(episode_id=f"trial-{i}", role="trial"))
    return stack(played)


def test_motions_in_a_trial_are_gains_times_commands():
    suite = dataclasses.replace(SUITE, puck=None)
    trials = _trials(suite)
    frames = resample(trials, HORIZON + 1)
    rows = features.split(tf.constant(frames.state), LAYOUT)
    moved = LAYOUT.features.motion(rows).numpy()[:, :-1]
    for i, task in enumerate(suite.tasks(fields.SPLIT_TRAIN)):
        commands = frames.action[i, :-1]
        expected = np.stack([actuator_gains.motion(c, task.gains) for c in commands])
        # Where the gripper is at the edge of its room, nothing moves.
        free = np.abs(moved[i] - expected) < 1e-3
        assert free.mean() > 0.7
        assert np.array_equal(np.sign(moved[i])[free], np.sign(expected)[free])


def test_a_trial_tells_the_gains():
    """Gains of axes that moved; the others count as nominal."""
    suite = dataclasses.replace(SUITE, puck=None)
    frames = resample(_trials(suite), HORIZON + 1)
    rows = features.split(tf.constant(frames.state), LAYOUT)
    motion = LAYOUT.features.motion(rows)
    inverse = inverse_gains(tf.constant(frames.action), motion).numpy()
    gains = np.array([task.gains for task in suite.tasks(fields.SPLIT_TRAIN)])
    np.testing.assert_allclose(inverse[:, :2] * gains[:, :2], 1, atol=0.25)
    assert (np.sign(inverse) == np.sign(gains)).mean() > 0.9
    still = inverse_gains(tf.ones((1, 40, 5)), tf.zeros((1, 40, 5)))
    np.testing.assert_array_equal(still, np.ones((1, 5)))


@pytest.mark.parametrize(
    "method", [pytest.param("wtl", marks=pytest.mark.slow), "oracle_task"]
)
def test_policies_for_hidden_gains_are_saved_and_act(method, tmp_path):
    tf_keras.utils.set_random_seed(0)
    tasks = SUITE.tasks(fields.SPLIT_TRAIN)
    config = dataclasses.replace(config_for(method, SUITE), hidden=(32,))
    kind = METHODS[method].kind
    policy = kind.policy(kind.network(config))
    frames = resample(_trials(), config.context_frames)
    shown = contexts.ContextEpisodes(
        tf.constant(frames.state[:, None]),
        tf.constant(frames.action[:, None]),
        tf.ones((5, 1)),
        tf.ones((5, 1)),
    )
    first = tf.constant(frames.state[:, 0])
    context = contexts.Context(
        demos=shown,
        trials=shown,
        privileged=context_builder.privileged(np.arange(5), tasks, config),
        state=first,
        gumbel=tf.zeros((5, 6)),
    )
    step = ts.restart({STATE: first}, 5)
    ours = policy.action(step, policy.encode_context(context)).action
    export.save(policy, tmp_path / "saved_model")
    loaded = export.load(tmp_path / "saved_model", LAYOUT.state_size)
    theirs = loaded.action(step, loaded.encode_context(context)).action
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    told = context_builder.no_privileged(5, config)
    untold = loaded.action(
        step, loaded.encode_context(context._replace(privileged=told))
    ).action
    assert np.allclose(untold, theirs) == (method != "oracle_task")
