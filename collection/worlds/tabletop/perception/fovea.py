"""Fovea: features of a crop of the image around a point."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers


class Fovea(layers.Layer):
    """Convolutions over crops, the same for all things."""

    def __init__(self, pixels: int, share: float, width: int):
        """Create convolutions for images of `pixels` squared, cropped to a share."""
        super().__init__(name="fovea")
        self._side = round(pixels * share)
        self._share = share
        self._convolutions = [
            layers.Conv2D(channels, 3, stride, padding="same", activation="relu")
            for channels, stride in ((24, 1), (32, 2), (32, 2))
        ]
        self._out = layers.Dense(width, "relu")

    def call(self, image: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
        """Return the features [N, Q, width] of crops.

        Args:
          image: [N, H, W, 3] images in [-0.5, 0.5].
          point: [N, Q, 2] centres of the crops, image coordinates in [-1, 1]; no
            gradient flows through them.
        """
        count, queries = tf.unstack(tf.shape(point)[:2])
        centre = (tf.stop_gradient(point)[..., ::-1] + 1) / 2
        corners = tf.concat([centre - self._share / 2, centre + self._share / 2], -1)
        hidden = tf.image.crop_and_resize(
            image,
            tf.reshape(corners, (-1, 4)),
            tf.repeat(tf.range(count), queries),
            (self._side, self._side),
        )
        hidden.set_shape((None, self._side, self._side, 3))
        for layer in self._convolutions:
            hidden = layer(hidden)
        size = hidden.shape[1] * hidden.shape[2] * hidden.shape[3]
        feature = self._out(tf.reshape(hidden, (-1, size)))
        return tf.reshape(feature, (count, queries, feature.shape[-1]))
