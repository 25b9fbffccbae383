"""Compensation of hidden gains within an episode, and the policy that does it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.tabletop import observation, world
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.policies import compensation, export, imitation, interface
from wtl.policies.adapters.regression import Pairs
from wtl.policies.compensated_policy import CompensatedPolicy
from wtl.policies.contextual import context as contexts
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

_SUITE = TaskDistribution(motor_faults=ActuatorGainDistribution())
_KINDS = [kind for kind in interface.COMPENSATION if kind]
_GAINS = np.array([-2.0, 1.5, 1.0, 1.0, 1.0], np.float32)
_SETPOINT = observation.slices(observation.Layout.tables["gripper"])["setpoint"]


def _config(kind, **changes):
    return dataclasses.replace(config_for("mil", _SUITE), compensation=kind, **changes)


def _model(kind):
    tf_keras.utils.set_random_seed(0)
    return compensation.regression(_config(kind))


def _policy(kind, **changes) -> CompensatedPolicy:
    tf_keras.utils.set_random_seed(0)
    config = _config(kind, hidden=(8,), embedding=8, **changes)
    network = METHODS["mil"].kind.network(config)
    network.compensation = compensation.regression(config)
    return CompensatedPolicy(METHODS["mil"].kind.policy(network))


def _moved(state, command, gains):
    """States after commands; nothing but the setpoint changes."""
    place, _ = _SUITE.layout.rows["gripper"]
    setpoint = slice(place.start + _SETPOINT.start, place.start + _SETPOINT.stop)
    following = state.copy()
    motion = np.clip(gains * command, -1, 1)[:, :4]
    following[:, setpoint] += motion * world.ARM_SCALE
    return following


def _play(policy, gains, steps=3):
    """Commands [N, T, A] of episodes with gains [N, A], in still scenes."""
    count, size = len(gains), _SUITE.layout.state_size
    context = tf.nest.map_structure(
        lambda spec: tf.zeros(
            (count, *(1 if side is None else side for side in spec.shape)), spec.dtype
        ),
        contexts.context_spec(policy.network.config, size),
    )
    policy_state, state = policy.encode_context(context), np.zeros((count, size))
    commands, step = [], ts.restart
    for _ in range(steps):
        given = step({"state": tf.constant(state, tf.float32)}, batch_size=count)
        if step is not ts.restart:
            given = given._replace(step_type=tf.fill([count], ts.StepType.MID))
        taken = policy.action(given, policy_state)
        policy_state = taken.state
        commands.append(taken.action.numpy())
        state = _moved(state, commands[-1], gains)
        step = _mid
    return np.stack(commands, axis=1)


def _mid(observation, batch_size):
    return ts.transition(observation, tf.zeros(batch_size))


def test_after_one_step_ridge_and_gradient_command_reversed_axes_in_reverse():
    wanted = np.array([[0.4, -0.4, 0.2, 0.1, 1.0]], np.float32)
    moved = (_GAINS * wanted)[:, None]
    seen = Pairs(
        tf.constant(np.pad(moved, ((0, 0), (15, 0), (0, 0)))),
        tf.constant(np.pad(wanted[:, None], ((0, 0), (15, 0), (0, 0)))),
        tf.constant(np.eye(16, dtype=np.float32)[None, 15]),
    )
    for kind in (interface.RIDGE, interface.GRADIENT):
        model = _model(kind)
        command = model.command(tf.constant(wanted), model.adapt(seen))
        assert (np.sign(command) == np.sign(wanted / _GAINS)).all(), kind
    model = _model(interface.RIDGE)
    command = model.command(tf.constant(wanted), model.adapt(seen))
    np.testing.assert_allclose(command, wanted / _GAINS, rtol=0.15)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_command_always_moves_enough_to_reveal_the_gains(kind):
    model = _model(kind)
    nothing = tf.zeros((1, 16, 5))
    adaptation = model.adapt(Pairs(nothing, nothing, tf.zeros((1, 16))))
    command = model.command(tf.ones((1, 5)), 0 * adaptation)
    assert (np.abs(command) >= 0.5).all()


def test_each_episode_of_a_batch_compensates_its_own_gains():
    policy = _policy(interface.RIDGE)
    nominal = np.ones_like(_GAINS)
    apart = [_play(policy, gains[None]) for gains in (_GAINS, nominal)]
    together = _play(policy, np.stack([_GAINS, nominal]))
    np.testing.assert_allclose(together, np.concatenate(apart), atol=1e-5)
    np.testing.assert_array_equal(together[0, 0], together[1, 0])
    moved = np.abs(together[1, 0]) > 0.02
    turned = (np.sign(together[0, 1]) != np.sign(together[1, 1]))[moved]
    assert moved[0] and turned[0]


def test_as_a_control_the_window_is_that_of_another_episode():
    other = {"window_from": interface.ANOTHER_EPISODE}
    gains = np.stack([_GAINS, np.ones_like(_GAINS)])
    own = _play(_policy(interface.RIDGE), gains)
    swapped = _play(_policy(interface.RIDGE, **other), gains)
    np.testing.assert_array_equal(own[:, 0], swapped[:, 0])
    assert np.abs(own[:, 1] - swapped[:, 1]).max() > 1e-3


def test_a_saved_policy_compensates_alike(tmp_path):
    policy = _policy(interface.GRADIENT)
    before = _play(policy, _GAINS[None])
    export.save(policy, tmp_path / "policy", "tabletop")
    saved = export.load(tmp_path / "policy", _SUITE.layout.state_size)
    config = export.as_saved(config_for("mil", _SUITE), saved)
    assert config.compensation == interface.GRADIENT
    saved.network = policy.network
    np.testing.assert_allclose(_play(saved, _GAINS[None]), before, atol=1e-5)


@pytest.mark.parametrize("kind", _KINDS)
def test_the_loss_is_a_function_of_the_examples_alone(kind):
    config, rng = _config(kind), np.random.default_rng(0)
    model = compensation.regression(config)
    size, window = _SUITE.layout.state_size, config.window
    hidden = tf.constant(np.tile(_GAINS, (3, 1)))
    privileged = contexts.FullPrivileged(None, None, None, hidden)
    example = imitation.Example(
        contexts.Context(None, None, privileged, None, None),
        *(None,) * 5,
        history=tf.constant(
            0.05 * rng.standard_normal((3, 4, window + 2, size)), tf.float32
        ),
        history_valid=tf.ones((3, 4, window)),
    )
    first = compensation.loss(model, example, config)
    assert np.isfinite(first) and first > 0
    np.testing.assert_array_equal(compensation.loss(model, example, config), first)


def test_compensation_needs_motions_that_show():
    with pytest.raises(ValueError, match="suite.motor_faults"):
        dataclasses.replace(
            config_for("mil", TaskDistribution()), compensation=interface.RIDGE
        )
