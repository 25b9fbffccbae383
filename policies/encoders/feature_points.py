"""Deep spatial autoencoder: image features learnt without labels.

A convolutional network reduces an image to the expected image coordinates of K
features, a spatial softmax; a small decoder has to draw the image, scaled down, from
these points alone. Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning",
ICRA 2016.
"""

import numpy as np
import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

POINTS = 16  # K, features of each camera
_SHRUNK = 4  # by which the image to draw is smaller


class FeaturePoints(layers.Layer):
    """Autoencoder of the images of one camera as points.

    Attributes:
      is_of_first: bool[2 K], which `remembered` features are of the first step: none.
    """

    is_of_first = np.zeros(2 * POINTS, bool)

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

    def adapt(self, image: np.ndarray, seed: int):
        """Do nothing: points begin where the initial weights put them."""

    def features(self, image: tf.Tensor) -> tf.Tensor:
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

    def remembered(self, features: tf.Tensor) -> tf.Tensor:
        """Return the features [N, T, 2 K] as they are."""
        return features

    def error(self, image: tf.Tensor) -> tf.Tensor:
        """Return the mean squared error of the drawn image."""
        hidden = self.features(image)
        for layer in self._draw:
            hidden = layer(hidden)
        wanted = tf.image.resize(image, self._shrunk, "area") / 255.0
        return tf.reduce_mean((tf.reshape(hidden, tf.shape(wanted)) - wanted) ** 2)
