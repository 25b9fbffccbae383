"""Gated layer: products of two linear maps (SwiGLU, Shazeer 2020)."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras


class Gated(tf_keras.layers.Layer):
    """Maps to products, such as that of a command and the motion after it.

    The sign of an actuator's gain is that of such a product. Rectified units can only
    approximate it.
    """

    def __init__(self, units: int):
        super().__init__()
        self._gate = tf_keras.layers.Dense(units)
        self._value = tf_keras.layers.Dense(units)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Return [..., units] of values [..., F]."""
        return tf.nn.silu(self._gate(values)) * self._value(values)
