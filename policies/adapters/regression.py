"""Regression that adapts to the last pairs of inputs and outputs."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import tensorflow as tf

from wtl.policies import axes
from wtl.policies.legacy_keras import tf_keras


class Pairs(NamedTuple):
    """Inputs and outputs of T steps of each of B episodes, the latest last.

    Attributes:
      inputs: [B, T, X].
      outputs: [B, T, Y].
      valid: [B, T] 1, or 0 for steps before the episode.
    """

    inputs: tf.Tensor
    outputs: tf.Tensor
    valid: tf.Tensor


class AdaptiveRegression(Protocol):
    """Regression of outputs [Y] on inputs [X], adapted to the last pairs of both.

    Attributes:
      adaptation_size: Z, the length of an adaptation.
    """

    adaptation_size: int

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """Return adaptations [B, Z] to pairs, none of which need be valid."""

    def predict(self, inputs: tf.Tensor, adaptation: tf.Tensor) -> tf.Tensor:
        """Return outputs [B, N, Y] of inputs [B, N, X]."""


class EncodedRegression(tf_keras.Model):
    """Regression whose adaptation is an encoding of the pairs, and an input.

    The weights stay; see `recurrence.Recurrence` and `context.ContextEncoder` for the
    encoders.
    """

    def __init__(
        self, encoder: tf_keras.layers.Layer, output_size: int, hidden: Sequence[int]
    ):
        """Create the regression.

        Args:
          encoder: ([B, T, X + Y] steps, [B, T] valid) -> [B, Z]; its `units` are Z.
          output_size: Y.
          hidden: widths of the layers of the regression.
        """
        super().__init__(name="encoded_regression")
        self.adaptation_size = encoder.units
        self._encoder = encoder
        self._layers_ = [
            *(tf_keras.layers.Dense(units, "relu") for units in hidden),
            tf_keras.layers.Dense(output_size),
        ]

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """See `AdaptiveRegression.adapt`."""
        steps = tf.concat([seen.inputs, seen.outputs], axis=-1)
        return self._encoder(steps, seen.valid)

    def predict(self, inputs: tf.Tensor, adaptation: tf.Tensor) -> tf.Tensor:
        """See `AdaptiveRegression.predict`."""
        each = adaptation[:, None] + tf.zeros_like(inputs[..., :1])
        values = axes.merge(tf.concat([inputs, each], axis=-1))
        for layer in self._layers_:
            values = layer(values)
        return axes.split(values, inputs[..., 0])
