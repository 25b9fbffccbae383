"""Mixture of diagonal Gaussians over actions (Bishop, "Mixture Density Networks")."""

import math

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2

# Logits [..., M], means [..., M, A] and log standard deviations [..., M, A].
Mixture = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class MixtureDensity(tf_keras.layers.Layer):
    """Predicts mixture logits, means and log standard deviations."""

    def __init__(self, action_size: int, components: int):
        super().__init__(name="mixture_density")
        self._shape = (components, action_size)
        self._logits = tf_keras.layers.Dense(components)
        self._mean = tf_keras.layers.Dense(components * action_size)
        self._log_sigma = tf_keras.layers.Dense(components * action_size)

    def call(self, hidden: tf.Tensor, known: tf.Tensor | None = None) -> Mixture:
        """Return logits [N, M], means [N, M, A] and log sigmas [N, M, A].

        Args:
          hidden: [N, H].
          known: [N, Z] input of the logits; `hidden` by default.
        """
        shape = (-1, *self._shape)
        return (
            self.weigh(hidden if known is None else known),
            tf.reshape(self._mean(hidden), shape),
            tf.reshape(self._log_sigma(hidden), shape),
        )

    def weigh(self, known: tf.Tensor) -> tf.Tensor:
        """Return the logits [N, M] alone."""
        return self._logits(known)


def negative_log_likelihood(
    prediction: Mixture,
    action: tf.Tensor,
    log_sigma_floor: tf.Tensor | float,
    together: tf.Tensor | int = 1,
) -> tf.Tensor:
    """Return [N / together] nats per action.

    Args:
      prediction: output of `MixtureDensity`.
      action: [N, A] actions.
      log_sigma_floor: smallest log sigma. With a high floor the choice of the
        component counts more than its precision; it is lowered during training.
      together: number of consecutive actions of one component; their logits are equal.
    """
    logits, mean, log_sigma = prediction
    log_sigma = log_sigma_floor + tf.nn.softplus(log_sigma - log_sigma_floor)
    error = (action[:, None] - mean) * tf.exp(-log_sigma)
    log_density = tf.reduce_sum(
        -0.5 * error**2 - log_sigma - 0.5 * math.log(2 * math.pi), axis=-1
    )
    shape = (-1, together, logits.shape[-1])
    log_density = tf.reduce_sum(tf.reshape(log_density, shape), axis=1)
    logits = tf.reshape(logits, shape)[:, 0]
    likelihood = tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_density, axis=-1)
    return -likelihood / tf.cast(together, likelihood.dtype)


def in_turn(prediction: Mixture, step: tf.Tensor) -> tf.Tensor:
    """Return the mean [N, A] of the component whose turn it is at timesteps [N].

    Over the steps of an episode components take turns in proportion to their weights,
    by a golden-ratio sequence (Weyl 1916), which is uniformly distributed. With the
    heaviest component alone a policy would never leave a state where standing still
    weighs most; unlike samples, turns are deterministic.
    """
    logits, mean, _ = prediction
    return tf.gather(mean, component(logits, turn(step)), batch_dims=1)


def turn(step: tf.Tensor) -> tf.Tensor:
    """Return the point [N] in [0, 1) of the sequence at timesteps [N]."""
    return tf.math.floormod(step * _GOLDEN_RATIO, 1.0)


def component(logits: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
    """Return the component [N] in whose share of [0, 1) a point is, heaviest first.

    A uniform point draws components by their weights, given by logits [N, M].
    """
    heaviest_first = tf.argsort(logits, axis=-1, direction="DESCENDING")
    weight = tf.gather(tf.nn.softmax(logits), heaviest_first, batch_dims=1)
    passed = tf.cumsum(weight, axis=-1)[:, :-1] <= point[:, None]
    rank = tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1)
    return tf.gather(heaviest_first, rank, batch_dims=1)
