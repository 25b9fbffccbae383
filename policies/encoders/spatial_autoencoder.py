"""Deep spatial autoencoder: image features learnt without labels.

A convolutional network reduces each image to the expected image coordinates of K
features, a spatial softmax; a small decoder has to draw the image, scaled down, from
these points alone. Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning",
ICRA 2016.
"""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

POINTS = 16  # K, features of each camera
_SHRUNK = 4  # by which the image to draw is smaller


class Losses(NamedTuple):
    """Losses of an autoencoder.

    Attributes:
      total: mean squared error of the drawn images, whose values are in [0, 1].
    """

    total: tf.Tensor


class SpatialAutoencoder(tf_keras.Model):
    """Autoencoders of the cameras of a robot.

    Attributes:
      sizes: height and width of the images by name of the camera.
      proprioception_size: P, numbers that are observed beside the images.
    """

    def __init__(self, sizes: Mapping[str, tuple[int, int]], proprioception_size: int):
        super().__init__(name="spatial_autoencoder")
        self.sizes = dict(sizes)
        self.proprioception_size = proprioception_size
        self._cameras = [_Camera(*size) for size in self.sizes.values()]

    def perceive(
        self, images: Mapping[str, tf.Tensor], proprioception: tf.Tensor
    ) -> tf.Tensor:
        """Return states [N, T, S]: the proprioception, then the points of each camera.

        Args:
          images: uint8[N, T, H, W, 3] by name.
          proprioception: [N, T, P].
        """
        lead = tf.shape(proprioception)[:2]
        parts = [proprioception]
        for camera, name in zip(self._cameras, self.sizes, strict=True):
            points = camera.points(_flat(images[name]))
            parts.append(tf.reshape(points, tf.concat([lead, [2 * POINTS]], 0)))
        return tf.concat(parts, axis=-1)

    def loss(self, images: Mapping[str, tf.Tensor]) -> Losses:
        """Return the losses of uint8[N, H, W, 3] images by name."""
        errors = [
            camera.error(images[name])
            for camera, name in zip(self._cameras, self.sizes, strict=True)
        ]
        return Losses(tf.add_n(errors) / len(errors))

    def create(self):
        """Create the variables, before they are restored."""
        self.loss(
            {
                name: tf.zeros((1, *size, 3), tf.uint8)
                for name, size in self.sizes.items()
            }
        )


class _Camera(layers.Layer):
    """Autoencoder of one camera."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self._shrunk = (-(-height // _SHRUNK), -(-width // _SHRUNK))
        self._convolutions = [
            layers.Conv2D(24, 5, 2, "same", activation="relu"),
            layers.Conv2D(32, 5, 2, "same", activation="relu"),
            layers.Conv2D(POINTS, 3, 1, "same"),
        ]
        self._temperature = self.add_weight("temperature", (), initializer="ones")
        self._draw = [
            layers.Dense(128, "relu"),
            layers.Dense(self._shrunk[0] * self._shrunk[1] * 3),
        ]

    def points(self, image: tf.Tensor) -> tf.Tensor:
        """Return expected coordinates [N, 2 K] in [-1, 1] of the features."""
        hidden = tf.cast(image, tf.float32) / 255.0
        for layer in self._convolutions:
            hidden = layer(hidden)
        rows, columns = hidden.shape[1], hidden.shape[2]
        weights = tf.nn.softmax(
            tf.reshape(hidden, (-1, rows * columns, POINTS)) / self._temperature, axis=1
        )
        weights = tf.reshape(weights, (-1, rows, columns, POINTS))
        y = tf.einsum("nrck,r->nk", weights, tf.linspace(-1.0, 1.0, rows))
        x = tf.einsum("nrck,c->nk", weights, tf.linspace(-1.0, 1.0, columns))
        return tf.concat([x, y], axis=-1)

    def error(self, image: tf.Tensor) -> tf.Tensor:
        """Return the mean squared error of the drawn image."""
        hidden = self.points(image)
        for layer in self._draw:
            hidden = layer(hidden)
        wanted = tf.image.resize(image, self._shrunk, "area") / 255.0
        return tf.reduce_mean((tf.reshape(hidden, tf.shape(wanted)) - wanted) ** 2)


def _flat(images: tf.Tensor) -> tf.Tensor:
    """Return images [N, T, H, W, 3] as [N * T, H, W, 3]."""
    return tf.reshape(images, tf.concat([[-1], tf.shape(images)[2:]], 0))
