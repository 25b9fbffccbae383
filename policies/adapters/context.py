"""Adaptation by context: an encoding of the transitions as a set with their ages."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_HEADS = 4
_NEVER = -1e9  # score of a step that does not count


class ContextEncoder(layers.Layer):
    """Attention over the steps of a window (Ilse, Tomczak, Welling 2018).

    Every step is encoded by itself, as in PEARL (Rakelly et al. 2019), together with
    its age, so that late steps may outweigh early ones. A learned vector takes part
    beside the steps; without any it is the whole context.

    Attributes:
      units: Z, the length of the context.
    """

    def __init__(self, units: int, hidden: int = 64):
        """Create the encoder.

        Args:
          units: Z, a multiple of the number of attention heads, 4.
          hidden: width of the hidden layer.
        """
        super().__init__(name="context_encoder")
        self.units = units
        self._hidden = layers.Dense(hidden, "relu")
        self._value = layers.Dense(units)
        self._score = layers.Dense(_HEADS)

    def build(self, input_shape):
        """Create the vector of no step."""
        self._nothing = self.add_weight("nothing", (1, 1, self.units))
        super().build(input_shape)

    def call(self, steps: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        """Return the contexts [B, Z] of steps [B, T, D], those of `valid` [B, T]."""
        batch, length = tf.unstack(tf.shape(steps)[:2])
        age = tf.range(length, 0, -1, dtype=steps.dtype)
        age = tf.broadcast_to(1 / age[:, None], (batch, length, 1))
        hidden = self._hidden(tf.concat([steps, age], axis=-1))
        nothing = tf.repeat(self._nothing, batch, axis=0)
        value = tf.concat([nothing, self._value(hidden)], axis=1)
        score = tf.where(valid[..., None] > 0, self._score(hidden), _NEVER)
        score = tf.pad(score, ((0, 0), (1, 0), (0, 0)))
        weight = tf.nn.softmax(score, axis=1)
        heads = tf.reshape(value, (batch, length + 1, _HEADS, -1))
        pooled = tf.einsum("bth,bthz->bhz", weight, heads)
        return tf.reshape(pooled, (batch, self.units))
