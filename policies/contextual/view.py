"""Contexts without the parts that a configuration withholds."""

import numpy as np
import tensorflow as tf

from wtl.datasets.contract.layout import Layout, slices
from wtl.policies import interface
from wtl.policies.contextual import config as configs
from wtl.policies.contextual import context as contexts


def shown(
    context: contexts.Context, config: configs.ContextualConfig
) -> contexts.Context:
    """Return the context that a policy is given.

    Trials of another task and shuffled successes are inserted by the context builder.
    """
    trials = context.trials
    if config.trials_from == interface.DEMO:
        trials = context.demos
    if config.trial_success == interface.HIDDEN:
        trials = trials._replace(success=tf.zeros_like(trials.success))
    if not config.trial_actions:
        trials = trials._replace(action=tf.zeros_like(trials.action))
    if not config.state_noise:
        return context._replace(trials=trials)

    def noisy(state):
        return with_noise(state, config)

    return context._replace(
        demos=context.demos._replace(state=noisy(context.demos.state)),
        trials=trials._replace(state=noisy(trials.state)),
        state=noisy(context.state),
    )


def with_noise(state: tf.Tensor, config: configs.ContextualConfig) -> tf.Tensor:
    """Return states [..., S] with noise on the coordinates of entities and fixtures.

    The noise is a pure function of the states, so that a saved policy is deterministic
    and an interrupted training resumes unchanged.
    """
    if not config.state_noise:
        return state
    bits = tf.bitcast(tf.convert_to_tensor(state, tf.float32), tf.int32)
    seed = tf.stack([tf.reduce_sum(bits), 0])
    noise = tf.random.stateless_normal(tf.shape(state), seed)
    return state + config.state_noise * _places(config.layout) * noise


def _places(layout: Layout) -> np.ndarray:
    """Return [S], 1 for coordinates of everything but the robot, else 0."""
    result = np.zeros(layout.state_size, np.float32)
    rows = layout.split(result)  # views
    for row, name in layout.things.items():
        rows[row][..., slices(layout.tables[row])[name]] = 1
    return result
