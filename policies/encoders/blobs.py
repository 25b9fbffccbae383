"""Autoencoder of images as sets of blobs, learnt without labels.

A convolutional network finds K places of an image, as a spatial softmax does (Finn et
al., "Deep Spatial Autoencoders for Visuomotor Learning", ICRA 2016), and reads the
colour there. The image has to be drawn again from these blobs alone, each an ellipse of
one colour, over a background of few numbers. So a blob is a thing of the scene with its
place, colour and size, and an image is a set of things.
"""

import numpy as np
import tensorflow as tf
from scipy.cluster import vq

from wtl.policies import axes
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

BLOBS = 16  # K, of each camera
FEATURES = 8  # of a blob: x, y, red, green, blue, opacity, width and height
_SHRUNK = 2  # by which the image to draw is smaller
_CODE = 8  # numbers that the background is drawn from
_COARSE = 8  # rows and columns of the background
_RADII = 2.0  # of a blob at the beginning, in deviations of a cluster
_LEAST_RADIUS = 0.1  # in halves of an image
_SIZE = 0.09  # of a blob, in halves of an image
_EDGES = 3.0  # weight of the errors of differences from the surroundings
_SURROUNDINGS = 7  # pixels
_SALIENT = 20_000  # pixels that are clustered
_CLUSTERINGS = 20  # of which the best is taken


class Blobs(layers.Layer):
    """Autoencoder of the images of one camera as blobs.

    Attributes:
      is_of_first: bool[2 K F], which `remembered` features are of the first step.
    """

    is_of_first = np.tile(np.repeat([False, True], FEATURES), BLOBS)

    def __init__(self, height: int, width: int):
        super().__init__()
        self._shape = (-(-height // _SHRUNK), -(-width // _SHRUNK))
        self._convolutions = [
            layers.Conv2D(24, 5, _SHRUNK, "same", activation="relu"),
            layers.Conv2D(32, 3, 1, "same", activation="relu"),
            layers.Conv2D(32, 3, 1, "same", activation="relu", dilation_rate=2),
        ]
        self._heat = layers.Conv2D(BLOBS, 1)
        self._prior = self.add_weight("prior", (*self._shape, BLOBS))
        self._form = [layers.Dense(32, "relu"), layers.Dense(3)]
        self._background = [
            layers.Dense(32, "relu"),
            layers.Dense(_CODE),
            layers.Dense(64, "relu"),
            layers.Dense(_COARSE * _COARSE * 3),
        ]

    def adapt(self, image: np.ndarray, seed: int):
        """Begin blobs where images uint8[N, H, W, 3] differ from their surroundings.

        These places are clustered (k-means), so that blobs are many where things are.
        """
        wanted = self._shrunk(image)
        salience = tf.reduce_sum(_edges(wanted) ** 2, axis=-1).numpy().ravel()
        rng = np.random.default_rng(seed)
        share = salience.astype(np.float64) + 1e-12
        drawn = rng.choice(len(share), _SALIENT, p=share / share.sum())
        _, row, column = np.unravel_index(drawn, (len(image), *self._shape))
        places = np.stack([row, column], axis=-1) / (np.array(self._shape) - 1) * 2 - 1
        # One clustering of several leaves a thing without a blob.
        centres, _ = vq.kmeans(places, BLOBS, iter=_CLUSTERINGS, seed=rng)
        centres = np.resize(centres, (BLOBS, 2))  # there are fewer in tiny images
        nearest, _ = vq.vq(places, centres)
        # Narrow where a thing hardly moves, or the blob begins as its surroundings.
        members = [places[nearest == k] for k in range(BLOBS)]
        spread = [found.std(axis=0) if len(found) else (0, 0) for found in members]
        radius = np.maximum(_RADII * np.array(spread), _LEAST_RADIUS)
        self._prior.assign(_bumps(centres, radius, *self._shape))

    def features(self, image: tf.Tensor) -> tf.Tensor:
        """Return the blobs [N, K, F] of uint8[N, H, W, 3] images."""
        return self._found(image)[0]

    def remembered(self, features: tf.Tensor) -> tf.Tensor:
        """Return [N, T, 2 K F]: each blob of [N, T, K, F] now, and at the first step.

        The robot hides things that it handles.
        """
        first = tf.zeros_like(features) + features[:, :1]
        return axes.joined(tf.concat([features, first], axis=-1))

    def error(self, image: tf.Tensor) -> tf.Tensor:
        """Return the mean squared error of the drawn image.

        Errors of each pixel's difference from its surroundings count as well: things
        are small, and a background of a slightly wrong colour would outweigh them.
        """
        blobs, background, wanted = self._found(image)
        for layer in self._background:
            background = layer(background)
        background = tf.reshape(background, (-1, _COARSE, _COARSE, 3))
        drawn = _draw(blobs, tf.image.resize(background, self._shape))
        edges = _edges(drawn) - _edges(wanted)
        return tf.reduce_mean((drawn - wanted) ** 2) + _EDGES * tf.reduce_mean(edges**2)

    def _shrunk(self, image: tf.Tensor) -> tf.Tensor:
        image = tf.cast(image, tf.float32) / 255.0
        return tf.nn.avg_pool2d(image, _SHRUNK, _SHRUNK, "SAME")

    def _found(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return blobs [N, K, F], features [N, C] of the background, and what to draw.

        That is the image float32[N, h, w, 3], scaled down.
        """
        hidden, wanted = tf.cast(image, tf.float32) / 255.0, self._shrunk(image)
        for layer in self._convolutions:
            hidden = layer(hidden)
        pixels = self._shape[0] * self._shape[1]
        heat = tf.reshape(self._heat(hidden) + self._prior, (-1, pixels, BLOBS))
        weights = tf.nn.softmax(heat, axis=1)
        features = tf.reshape(hidden, (-1, pixels, hidden.shape[-1]))
        colours = tf.reshape(wanted, (-1, pixels, 3))
        lines = (tf.linspace(-1.0, 1.0, n) for n in self._shape)
        y, x = tf.meshgrid(*lines, indexing="ij")
        places = tf.reshape(tf.stack([x, y], axis=-1), (pixels, 2))
        form = tf.einsum("npk,npf->nkf", weights, features)
        for layer in self._form:
            form = layer(form)
        blobs = [
            tf.einsum("npk,pc->nkc", weights, places),
            tf.einsum("npk,npc->nkc", weights, colours),
            tf.sigmoid(form[..., :1]),
            tf.tanh(form[..., 1:]),
        ]
        scene = [tf.reduce_mean(features, axis=1), tf.reduce_mean(colours, axis=1)]
        return tf.concat(blobs, axis=-1), tf.concat(scene, axis=-1), wanted


def _bumps(
    centres: np.ndarray, radius: np.ndarray, rows: int, columns: int
) -> np.ndarray:
    """Return the logits [rows, columns, K] of Gaussians [K, 2] of y and x."""
    down = (np.linspace(-1, 1, rows)[:, None, None] - centres[:, 0]) / radius[:, 0]
    across = (np.linspace(-1, 1, columns)[:, None] - centres[:, 1]) / radius[:, 1]
    return -(down**2 + across**2) / 2


def _draw(blobs: tf.Tensor, background: tf.Tensor) -> tf.Tensor:
    """Return images [N, h, w, 3] of blobs [N, K, F] over a background."""
    x, y, colour, opacity, width, height = tf.split(blobs, (1, 1, 3, 1, 1, 1), axis=-1)
    _, rows, columns, _ = background.shape

    def across(place, size, count):
        off = tf.linspace(-1.0, 1.0, count) - place
        return tf.exp(-((off / (_SIZE * tf.exp(0.5 * size))) ** 2))

    cover = opacity[..., None] * (
        across(y, height, rows)[..., :, None] * across(x, width, columns)[..., None, :]
    )
    share = tf.einsum("nkrc,nkd->nrcd", cover, colour)
    share /= tf.reduce_sum(cover, axis=1)[..., None] + 1e-3
    free = tf.reduce_prod(1 - 0.999 * cover, axis=1)[..., None]
    return free * background + (1 - free) * share


def _edges(image: tf.Tensor) -> tf.Tensor:
    """Return the difference of each pixel from its surroundings."""
    return image - tf.nn.avg_pool2d(image, _SURROUNDINGS, 1, "SAME")
