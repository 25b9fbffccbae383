"""Compensation of hidden actuator gains while an episode is under way.

A policy decides on motions. Commands follow from a regression of the commands on the
motions of the last transitions: ridge regression, or a learned one. Nothing else of the
policy depends on the gains, so that one step reveals a reversed axis.
"""

from collections.abc import Callable

import tensorflow as tf

from wtl.policies import axes, features, imitation
from wtl.policies.adapters import gradient
from wtl.policies.adapters.context import ContextEncoder
from wtl.policies.adapters.recurrence import Recurrence
from wtl.policies.adapters.regression import Pairs
from wtl.policies.adapters.transition_window import Transitions
from wtl.policies.heads.inverse_gains import inverse_gains
from wtl.policies.imitation import Example
from wtl.policies.interface import CONTEXT, GRADIENT, RECURRENCE, RIDGE, Interface
from wtl.policies.legacy_keras import tf_keras

_UNITS = 32
_LEAST = 0.5  # commands per motion
_SMALL = 1e-4  # squared motion
_CLIP = 10.0  # largest magnitude of an inner gradient
_CUT_OFF = 0.999  # motions as large as that may have had larger commands
_CHANGED = 0.5  # share of training slices in which the gains change


class RidgeGains(tf_keras.Model):
    """Ridge regression of commands on motions, each axis by itself; nothing learned."""

    def __init__(self, action_size: int):
        super().__init__(name="gains")
        self.adaptation_size = action_size

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """Return commands per motion [B, A]; 1 before any motion."""
        valid = seen.valid[..., None]
        return inverse_gains(valid * seen.outputs, valid * seen.inputs)

    def predict(self, inputs: tf.Tensor, adaptation: tf.Tensor) -> tf.Tensor:
        """See `AdaptiveRegression.predict`."""
        return inputs * adaptation[:, None]

    def command(self, motion: tf.Tensor, adaptation: tf.Tensor) -> tf.Tensor:
        """Return commands [B, A] of motions [B, A] that also reveal the gains.

        Between both signs of a gain the mean is no motion, which would reveal nothing:
        commands per motion are not smaller than `_LEAST`.
        """
        sign = tf.where(adaptation < 0, -1.0, 1.0)
        return motion * sign * tf.maximum(tf.abs(adaptation), _LEAST)


class EncodedGains(RidgeGains):
    """Learned commands per motion, read off an encoding of the transitions."""

    def __init__(self, encoder: tf_keras.layers.Layer, action_size: int):
        super().__init__(action_size)
        self._encoder = encoder
        self._gains = tf_keras.layers.Dense(action_size)

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """Return commands per motion [B, A]."""
        # The ratio of command and motion matters, also where both are small.
        unit = tf.concat([seen.inputs, seen.outputs], axis=-1) / _length(seen, 2)
        steps = tf.concat([seen.inputs, seen.outputs, unit], axis=-1)
        return self._gains(self._encoder(steps, seen.valid))


class GradientGains(RidgeGains):
    """Commands per motion, by gradient steps on their error in the transitions.

    The initial gains and the step sizes are learned, as in GrBAL (Nagabandi et al.
    2019, section 4.1), and the rate at which earlier transitions count less.
    """

    def __init__(self, action_size: int, steps: int = 5, alpha: float = 1.0):
        super().__init__(action_size)
        self._steps = steps
        constant = tf_keras.initializers.Constant
        self._theta = self.add_weight(
            "theta", (action_size,), initializer=constant(1.0)
        )
        self._alpha = self.add_weight(
            "alpha", (action_size,), initializer=constant(alpha)
        )
        self._decay = self.add_weight("decay", (), initializer=constant(0.1))

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """Return commands per motion [B, A]."""
        age = tf.range(tf.shape(seen.valid)[1] - 1, -1, -1)
        weight = seen.valid * tf.exp(
            -tf.nn.relu(self._decay) * tf.cast(age, tf.float32)
        )
        weight /= tf.reduce_sum(weight, axis=1, keepdims=True) + _SMALL
        weight = weight[..., None]

        def error(phi: gradient.Parameters) -> tf.Tensor:
            difference = self.predict(seen.inputs, phi["gains"]) - seen.outputs
            relative = difference / _length(seen, 1)
            return tf.reduce_sum(weight * relative**2, axis=(1, 2))

        return gradient.adapt(
            {"gains": self._theta},
            {"gains": self._alpha},
            error,
            batch=tf.shape(seen.valid)[0],
            steps=self._steps,
            second_order=True,
            clip=_CLIP,
        )["gains"]


def _length(seen: Pairs, copies: int) -> tf.Tensor:
    """Return the lengths [B, T, copies A] of pairs of a motion and a command."""
    length = tf.sqrt(seen.inputs**2 + seen.outputs**2 + _SMALL)
    return tf.tile(length, (1, 1, copies))


def regression(config: Interface) -> RidgeGains:
    """Return a new regression of commands [A] on motions [A]."""
    size = config.action_size
    made = {
        RIDGE: lambda: RidgeGains(size),
        GRADIENT: lambda: GradientGains(size),
        RECURRENCE: lambda: EncodedGains(Recurrence(_UNITS), size),
        CONTEXT: lambda: EncodedGains(ContextEncoder(_UNITS), size),
    }
    return made[config.compensation]()


def pairs(transitions: Transitions, layout) -> Pairs:
    """Return motions as inputs and commands as outputs."""
    ends = tf.stack([transitions.observation, transitions.next_observation], axis=2)
    rows = features.split(axes.merge(ends), layout)
    moved = layout.features.motion(rows)[:, 0]
    moved = axes.split(moved, transitions.valid)
    return Pairs(moved, transitions.action, transitions.valid)


def loss(model: RidgeGains, example: Example, config: Interface) -> tf.Tensor:
    """Return the squared error of a command, given the transitions before it.

    The slices of time are of demonstrations, whose motions any linear actuator makes of
    the commands motion / gain. These gains are those of training tasks; in a share of
    the slices they take effect within the slice.
    """
    history = axes.merge(example.history)
    rows = features.split(history, config.layout)
    # The states are M before the imitated one, that, and the next.
    moved = config.layout.features.motion(rows)[:, :-1]
    gains = example.context.privileged.hidden[:, : config.action_size]
    gains = tf.repeat(gains, tf.shape(example.history)[1], axis=0)
    seed = _seed(history)
    # Slow motions too, as those of the last steps to a target.
    share = tf.random.stateless_uniform((tf.shape(moved)[0], 1, 1), seed + 2)
    moved *= tf.minimum(2 * share, 1.0)
    commands = _commands(moved, gains, seed)
    valid = axes.merge(example.history_valid)
    if not config.meta_trained:
        valid = tf.zeros_like(valid)
    seen = Pairs(moved[:, :-1], commands[:, :-1], valid)
    wanted = moved[:, -1:]
    predicted = model.predict(wanted, model.adapt(seen))[:, 0]
    return tf.reduce_mean((predicted - commands[:, -1]) ** 2)


def added_to(of_policy: Callable) -> Callable:
    """Return a policy's loss, with that of `network.compensation` in its total."""

    def total(network, example: Example, log_sigma_floor: tf.Tensor):
        found = of_policy(network, example, log_sigma_floor)
        error = loss(network.compensation, example, network.config)
        return imitation.CompensatedLosses(
            total=found.total + error,
            imitation=found.imitation,
            target=found.target,
            compensation=error,
        )

    return total


def _commands(moved: tf.Tensor, gains: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return commands [N, T, A] that motions may have had, of gains [N, A] or 1."""
    count, length = tf.unstack(tf.shape(moved)[:2])
    chance = tf.random.stateless_uniform((2, count), seed)
    onset = tf.where(
        chance[0] < _CHANGED, chance[1] * tf.cast(length, tf.float32), -1.0
    )
    has_begun = tf.range(length, dtype=tf.float32) >= onset[:, None]
    gains = tf.where(has_begun[..., None], gains[:, None], 1.0)
    commands = moved / gains
    larger = tf.random.stateless_uniform(tf.shape(moved), seed + 1)
    larger = tf.sign(commands) * (
        tf.abs(commands) + larger * tf.nn.relu(1 - tf.abs(commands))
    )
    is_cut_off = tf.abs(moved) > _CUT_OFF
    # The last is to be predicted: the least command that moves so far.
    is_last = tf.range(length)[:, None] == length - 1
    return tf.where(is_cut_off & ~is_last, larger, commands)


def _seed(states: tf.Tensor) -> tf.Tensor:
    """Return a seed that is a function of states: resumed training goes on alike."""
    bits = tf.bitcast(states, tf.int32)
    return tf.stack([tf.reduce_sum(bits), 0])
