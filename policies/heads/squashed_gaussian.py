"""Gaussian squashed into [-1, 1] (Haarnoja et al., "Soft Actor-Critic")."""

import math

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

_LOG_SIGMA = (-5.0, 2.0)


class SquashedGaussian(tf_keras.layers.Layer):
    """Predicts a distribution over actions in [-1, 1]."""

    def __init__(self, action_size: int):
        super().__init__(name="squashed_gaussian")
        self._mean = tf_keras.layers.Dense(action_size)
        self._log_sigma = tf_keras.layers.Dense(action_size)

    def call(self, hidden: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return actions [N, A] and log densities [N], given standard normal noise."""
        low, high = _LOG_SIGMA
        mean = self._mean(hidden)
        squashed = tf.tanh(self._log_sigma(hidden))
        log_sigma = low + 0.5 * (high - low) * (squashed + 1)
        wide = mean + tf.exp(log_sigma) * noise
        # log(1 - tanh(x)^2), in a form without cancellation.
        log_slope = 2 * (math.log(2) - wide - tf.nn.softplus(-2 * wide))
        log_density = -0.5 * noise**2 - log_sigma - 0.5 * math.log(2 * math.pi)
        return tf.tanh(wide), tf.reduce_sum(log_density - log_slope, axis=-1)
