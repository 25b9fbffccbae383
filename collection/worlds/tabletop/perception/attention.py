"""Attention: a coarse map of the whole image, searched with queries."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

STRIDE = 4  # pixels of the image per cell of the map


class Attended(NamedTuple):
    """Results of Q queries in N images.

    Attributes:
      point: [N, Q, 2] expected image coordinates in [-1, 1], right and down (the
        feature points of Levine, Finn et al. 2016, "End-to-End Training of Deep
        Visuomotor Policies").
      feature: [N, Q, C] expected features.
      logits: [N, h w, Q] of the softmax over the map.
    """

    point: tf.Tensor
    feature: tf.Tensor
    logits: tf.Tensor


class CoarseMap(layers.Layer):
    """Convolutions to a map of a quarter of the image's side."""

    def __init__(self, channels: int):
        """Create the convolutions, `channels` wide."""
        super().__init__(name="coarse_map")

        def conv(width, size, stride=1, **dilation):
            shape = (width, size, stride, "same")
            return layers.Conv2D(*shape, activation="relu", **dilation)

        self._convolutions = [
            conv(16, 5, 2),
            conv(channels, 3, 2),
            conv(channels, 3),
            conv(channels, 3, dilation_rate=2),
            conv(channels, 3),
        ]

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Return features [N, h w, C + 4] of [N, H, W, 3] images.

        The last four are the coordinates and their squares, so that an inner product
        can ask for a neighbourhood.
        """
        hidden = image
        for layer in self._convolutions:
            hidden = layer(hidden)
        height, width = hidden.shape[1:3]
        x = (tf.range(width, dtype=tf.float32) + 0.5) / width * 2 - 1
        y = (tf.range(height, dtype=tf.float32) + 0.5) / height * 2 - 1
        grid = tf.reshape(tf.stack(tf.meshgrid(x, y), axis=-1), (height * width, 2))
        grid = tf.concat([grid, grid**2], axis=-1)[None]
        count = tf.shape(hidden)[0]
        flat = tf.reshape(hidden, (count, height * width, hidden.shape[-1]))
        return tf.concat([flat, tf.repeat(grid, count, axis=0)], axis=-1)


def attend(features: tf.Tensor, logits: tf.Tensor) -> Attended:
    """Read a map [N, h w, C + 4] under a softmax of logits [N, h w, Q]."""
    weights = tf.nn.softmax(logits, axis=1)
    found = tf.einsum("npq,npd->nqd", weights, features)
    return Attended(found[..., -4:-2], found[..., :-4], logits)


def cell(point: tf.Tensor, side: int) -> tf.Tensor:
    """Number in [0, side^2) of the cell of a square map that holds a point."""
    place = tf.cast(tf.floor((point + 1) / 2 * side), tf.int32)
    place = tf.clip_by_value(place, 0, side - 1)
    return place[..., 1] * side + place[..., 0]
