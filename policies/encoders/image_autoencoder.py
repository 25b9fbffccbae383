"""Autoencoders of images, learnt without labels: perception of worlds without entities.

Each camera has one: of points (`feature_points`), or of blobs (`blobs`) where its
images are declared to be sets.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.policies import axes
from wtl.policies.encoders.blobs import Blobs
from wtl.policies.encoders.feature_points import FeaturePoints
from wtl.policies.legacy_keras import tf_keras


class Losses(NamedTuple):
    """Losses of autoencoders.

    Attributes:
      total: mean error of the drawn images, whose values are in [0, 1].
    """

    total: tf.Tensor


class ImageAutoencoder(tf_keras.Model):
    """Autoencoders of the cameras of a robot.

    Attributes:
      sizes: height and width of the images by name of the camera.
      proprioception_size: P, numbers that are observed beside the images.
    """

    def __init__(
        self,
        sizes: Mapping[str, tuple[int, int]],
        proprioception_size: int,
        sets: Collection[str] = (),
    ):
        """Create the autoencoders; the images of cameras named in `sets` are sets."""
        super().__init__(name="image_autoencoder")
        self.sizes = dict(sizes)
        self.proprioception_size = proprioception_size
        self._cameras = [
            (Blobs if name in sets else FeaturePoints)(*size)
            for name, size in self.sizes.items()
        ]

    def perceive(
        self, images: Mapping[str, tf.Tensor], proprioception: tf.Tensor
    ) -> tf.Tensor:
        """Return states [N, T, S]: proprioception, then the features of each camera.

        Args:
          images: uint8[N, T, H, W, 3] by name.
          proprioception: [N, T, P].
        """
        lead = tf.shape(proprioception)[:2]
        parts = [proprioception]
        for camera, name in zip(self._cameras, self.sizes, strict=True):
            found = camera.features(axes.merge(images[name]))
            found = tf.reshape(found, tf.concat([lead, tf.shape(found)[1:]], 0))
            parts.append(camera.remembered(found))
        return tf.concat(parts, axis=-1)

    def track(
        self,
        images: Mapping[str, tf.Tensor],
        proprioception: tf.Tensor,
        first: tf.Tensor,
    ) -> tf.Tensor:
        """Return the states [N, S] of one later timestep.

        Args:
          images: uint8[N, H, W, 3] by name.
          proprioception: [N, P].
          first: [N, S] states at the first timestep.
        """
        one = {name: image[:, None] for name, image in images.items()}
        state = self.perceive(one, proprioception[:, None])[:, 0]
        return tf.where(self._is_of_first, first, state)

    @property
    def _is_of_first(self) -> np.ndarray:
        """Return bool[S], which numbers of a state are of the first timestep."""
        own = np.zeros(self.proprioception_size, bool)
        return np.concatenate([own, *(camera.is_of_first for camera in self._cameras)])

    def adapt(self, images: Mapping[str, np.ndarray], seed: int):
        """Choose where training begins, from uint8[N, H, W, 3] images by name."""
        for camera, name in zip(self._cameras, self.sizes, strict=True):
            camera.adapt(images[name], seed)

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
