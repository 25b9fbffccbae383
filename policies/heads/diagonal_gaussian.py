"""Gaussian over actions with independent dimensions."""

import math
from typing import NamedTuple

import tensorflow as tf


class DiagonalGaussian(NamedTuple):
    """Distributions over actions before clipping.

    Attributes:
      mean: [..., A].
      log_sigma: [..., A], of a shape that broadcasts to that of `mean`.
    """

    mean: tf.Tensor
    log_sigma: tf.Tensor

    def log_density(self, action: tf.Tensor) -> tf.Tensor:
        """Return the log density [...] of actions [..., A]."""
        error = (action - self.mean) * tf.exp(-self.log_sigma)
        each = -0.5 * error**2 - self.log_sigma - 0.5 * math.log(2 * math.pi)
        return tf.reduce_sum(each, axis=-1)

    def divergence(self, other: "DiagonalGaussian") -> tf.Tensor:
        """Return the KL divergence [...] of these from others, nats."""
        wider = self.log_sigma - other.log_sigma
        error = (self.mean - other.mean) * tf.exp(-other.log_sigma)
        return 0.5 * tf.reduce_sum(
            tf.exp(2 * wider) + error**2 - 1 - 2 * wider, axis=-1
        )
