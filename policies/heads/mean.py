"""Output layer of a single action, whose squared error is minimised."""

import tensorflow as tf

from wtl.policies.heads.mixture_density import Mixture
from wtl.policies.legacy_keras import tf_keras

_NONE = -100.0  # log sigma far below any floor, to which it then adds nothing


class Mean(tf_keras.layers.Layer):
    """Predicts a mixture of one Gaussian as narrow as its floor.

    Its log likelihood, see `mixture_density`, is the squared error up to a constant.
    """

    def __init__(self, action_size: int):
        super().__init__(name="mean")
        self._mean = tf_keras.layers.Dense(action_size)

    def call(self, hidden: tf.Tensor) -> Mixture:
        """Return logits [N, 1], means [N, 1, A] and log sigmas [N, 1, A]."""
        return narrow(self._mean(hidden))


def narrow(mean: tf.Tensor) -> Mixture:
    """Return the mixture of one Gaussian of means [..., A]."""
    mean = mean[..., None, :]
    return tf.zeros_like(mean[..., 0]), mean, tf.fill(tf.shape(mean), _NONE)
