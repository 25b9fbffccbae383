"""Prediction of the next frame of an episode, so that the context encodes dynamics."""

import tensorflow as tf

from wtl.policies.encoders.gated import Gated
from wtl.policies.encoders.rows import REST
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_SCALE = 5.0  # between frames, changes are a fraction of a standard deviation


class NextFrame(layers.Layer):
    """Huber loss of predicting how rows change until the next frame.

    Imitation alone does not ask how a command moves the robot. Where the gains of
    actuators are hidden, this is what a trial shows, and to predict it the context
    encoder has to read it.
    """

    def __init__(self, units: int):
        super().__init__(name="next_frame")
        self._units = units

    def build(self, input_shape):
        """Create the layers of each set of rows, and of the rest."""
        self._layers_of = {
            name: [
                Gated(self._units),
                Gated(self._units),
                layers.Dense(shape[-1]),
            ]
            for name, shape in input_shape.items()
            if shape[-1]
        }

    def call(
        self, rows: dict[str, tf.Tensor], action: tf.Tensor, embedding: tf.Tensor
    ) -> tf.Tensor:
        """Return the mean over B episodes of T frames.

        Args:
          rows: output of `Rows` [B, T, ...].
          action: [B, T, A] actions at each frame, or their means until the next one,
            see `Interface.interval_actions`.
          embedding: [B, Z] of the context.
        """
        each = tf.zeros_like(action[..., :1]) + embedding[:, None]
        beside = tf.concat([rows[REST], action, each], axis=-1)
        found = []
        for name, layers_of in self._layers_of.items():
            row, known = rows[name], beside
            if name != REST:
                known = beside[:, :, None] + tf.zeros_like(row[..., :1])
                known = tf.concat([row, known], axis=-1)
            change = known[:, :-1]
            for layer in layers_of:
                change = layer(change)
            error = change - _SCALE * (row[:, 1:] - row[:, :-1])
            size = tf.abs(error)
            found.append(tf.reduce_mean(tf.where(size < 1, error**2 / 2, size - 0.5)))
        return tf.add_n(found) / len(found)
