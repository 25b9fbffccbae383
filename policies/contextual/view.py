"""What is left of all that could be shown: the parts that a policy is to do without."""

import numpy as np
import tensorflow as tf

from wtl.datasets.contract.layout import Layout, slices
from wtl.policies import interface
from wtl.policies.contextual import config as configs
from wtl.policies.contextual import context as contexts


def shown(
    context: contexts.Context, config: configs.ContextualConfig
) -> contexts.Context:
    """A context as a policy is shown it.

    Trials of another task and shuffled successes are not made here: there is no other
    task in a context. Whoever builds one reads off the configuration what to put in.
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
    """States [..., S] with noise on where things are.

    The noise is a pure function of the states, so that a saved policy acts alike each
    time it is asked, and training goes on alike after an interruption.
    """
    if not config.state_noise:
        return state
    bits = tf.bitcast(tf.convert_to_tensor(state, tf.float32), tf.int32)
    seed = tf.stack([tf.reduce_sum(bits), 0])
    noise = tf.random.stateless_normal(tf.shape(state), seed)
    return state + config.state_noise * _places(config.layout) * noise


def _places(layout: Layout) -> np.ndarray:
    """[S] 1 for coordinates of what is not the robot, else 0."""
    result = np.zeros(layout.state_size, np.float32)
    rows = layout.split(result)  # views
    for row, name in layout.things.items():
        rows[row][..., slices(layout.tables[row])[name]] = 1
    return result
