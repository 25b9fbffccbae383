"""A mixture of diagonal Gaussians over actions (Bishop, "Mixture Density Networks")."""

import math

import tensorflow as tf

from policies.legacy_keras import tf_keras

_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


class MixtureDensity(tf_keras.layers.Layer):
    """Predicts mixture logits, means and log standard deviations."""

    def __init__(self, action_size: int, components: int):
        """Creates a head of `components` Gaussians over `action_size` dimensions."""
        super().__init__(name="mixture_density")
        self._shape = (components, action_size)
        self._logits = tf_keras.layers.Dense(components)
        self._mean = tf_keras.layers.Dense(components * action_size)
        self._log_sigma = tf_keras.layers.Dense(components * action_size)

    def call(self, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns logits [N, M], means [N, M, A] and log sigmas [N, M, A]."""
        shape = (-1, *self._shape)
        return (
            self._logits(hidden),
            tf.reshape(self._mean(hidden), shape),
            tf.reshape(self._log_sigma(hidden), shape),
        )


def negative_log_likelihood(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    action: tf.Tensor,
    log_sigma_floor: tf.Tensor | float,
) -> tf.Tensor:
    """Returns [N] nats.

    Args:
      prediction: output of `MixtureDensity`.
      action: [N, A] actions.
      log_sigma_floor: smallest log sigma. A high floor makes the choice of the
        component count before its precision; it is lowered during training.
    """
    logits, mean, log_sigma = prediction
    log_sigma = log_sigma_floor + tf.nn.softplus(log_sigma - log_sigma_floor)
    error = (action[:, None] - mean) * tf.exp(-log_sigma)
    log_density = tf.reduce_sum(
        -0.5 * error**2 - log_sigma - 0.5 * math.log(2 * math.pi), axis=-1
    )
    return -tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_density, axis=-1)


def in_turn(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor], step: tf.Tensor
) -> tf.Tensor:
    """Returns the mean [N, A] of the component whose turn it is.

    Over the steps of an episode each has its turn as often as it weighs, by the points
    of a golden-ratio sequence (Weyl 1916), which fall evenly everywhere. The heaviest
    alone would stand still for ever wherever standing still weighs most; and unlike
    samples, turns are the same each time.

    Args:
      prediction: output of `MixtureDensity`.
      step: [N] number of the timestep.
    """
    logits, mean, _ = prediction
    heaviest_first = tf.argsort(logits, axis=-1, direction="DESCENDING")
    weight = tf.gather(tf.nn.softmax(logits), heaviest_first, batch_dims=1)
    point = tf.math.floormod(step * _GOLDEN_RATIO, 1.0)
    passed = tf.cumsum(weight, axis=-1)[:, :-1] <= point[:, None]
    rank = tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1)
    chosen = tf.gather(heaviest_first, rank, batch_dims=1)
    return tf.gather(mean, chosen, batch_dims=1)
