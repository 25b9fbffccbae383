"""Attention by distance, in place of products (Kim, Papamakarios, Mnih 2021)."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers
_NEVER = -1e9


class DistanceAttention(layers.Layer):
    """Tokens attend to those that are near in a learned projection of each head.

    Queries and keys share the projection, so that tokens that are alike attend to each
    other before anything is learned.
    """

    def __init__(self, heads: int, width: int):
        super().__init__(name="distance_attention")
        self._shape = (heads, max(width // heads, 1))
        size = self._shape[0] * self._shape[1]
        self._point, self._value = layers.Dense(size), layers.Dense(size)
        self._out = layers.Dense(width)

    def build(self, _):
        """Create the log sharpness of each head."""
        shape = (self._shape[0], 1, 1)
        self._sharpness = self.add_weight("sharpness", shape, initializer="zeros")
        super().build(())

    def call(self, tokens: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Return [B, N, Z]; a token that attends to none gets the same constant.

        Args:
          tokens: [B, N, Z].
          mask: bool[B, N, N], true where the token of a row attends to a column's.
        """
        batch, count = tf.unstack(tf.shape(tokens)[:2])
        shape = (batch, count, *self._shape)
        point = tf.transpose(tf.reshape(self._point(tokens), shape), (0, 2, 1, 3))
        value = tf.transpose(tf.reshape(self._value(tokens), shape), (0, 2, 1, 3))
        square = tf.reduce_sum(point**2, axis=-1, keepdims=True)
        product = tf.matmul(point, point, transpose_b=True)
        distance = square + tf.linalg.matrix_transpose(square) - 2 * product
        logits = -0.5 * tf.exp(self._sharpness) * distance
        weight = tf.nn.softmax(tf.where(mask[:, None], logits, _NEVER))
        weight *= tf.cast(mask[:, None], weight.dtype)
        seen = tf.transpose(tf.matmul(weight, value), (0, 2, 1, 3))
        return self._out(tf.reshape(seen, (batch, count, self._point.units)))
