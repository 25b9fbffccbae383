"""Transformer over the tokens of several episodes (after Vaswani et al. 2017)."""

import tensorflow as tf

from wtl.policies.encoders.distance_attention import DistanceAttention
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers
_HEADS = 4


class Transformer(layers.Layer):
    """Blocks of attention between episodes, attention within them, and a token MLP."""

    def __init__(self, width: int, blocks: int):
        super().__init__(name="transformer")
        self._blocks = [_Block(width) for _ in range(blocks)]
        self._norm = _norm()

    def call(
        self, tokens: tf.Tensor, between: tf.Tensor, within: tf.Tensor
    ) -> tf.Tensor:
        """Return tokens [B, N, Z], given tokens and which attend to which.

        Args:
          tokens: [B, N, Z].
          between: bool[B, N, N], true where the token of a row attends to that of a
            column in another episode.
          within: likewise in the same episode.
        """
        for block in self._blocks:
            tokens = block(tokens, between, within)
        return self._norm(tokens)


class _Block(layers.Layer):
    def __init__(self, width: int):
        super().__init__()
        self._between = DistanceAttention(_HEADS, width)
        self._within = layers.MultiHeadAttention(_HEADS, max(width // _HEADS, 1))
        self._norms = [_norm() for _ in range(3)]
        self._by_token = [layers.Dense(2 * width, "relu"), layers.Dense(width)]

    def call(
        self, tokens: tf.Tensor, between: tf.Tensor, within: tf.Tensor
    ) -> tf.Tensor:
        tokens += self._between(self._norms[0](tokens), between)
        normal = self._norms[1](tokens)
        tokens += self._within(normal, normal, attention_mask=within)
        hidden = self._norms[2](tokens)
        for layer in self._by_token:
            hidden = layer(hidden)
        return tokens + hidden


def _norm() -> layers.Layer:
    return layers.LayerNormalization(epsilon=1e-5)
