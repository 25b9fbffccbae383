"""Layer that resolves small and large differences of its inputs."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

_FINE = 8.0  # tanh(8 d) resolves a twentieth of a standard deviation


class MultiScale(tf_keras.layers.Layer):
    """Linear map, its values at two scales, and a layer of rectified units.

    It takes the place of features that a world would compute: the linear map can learn
    differences of positions, and the magnified ones their last centimetres.
    """

    def __init__(self, linear: int, units: int):
        super().__init__()
        self._linear = tf_keras.layers.Dense(linear)
        self._out = tf_keras.layers.Dense(units, "relu")

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Return [..., units] of values [..., F] of about unit scale."""
        values = self._linear(values)
        scales = (values, tf.tanh(values), tf.tanh(_FINE * values))
        return self._out(tf.concat(scales, axis=-1))
