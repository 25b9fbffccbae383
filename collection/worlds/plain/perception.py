"""Perception of worlds without entities: features of images, learnt without labels."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.encoded_policy import EncodedPolicy
from wtl.policies.encoders import image_autoencoder
from wtl.policies.encoders.image_autoencoder import ImageAutoencoder

_FIRST_IMAGES = 500  # that training is prepared by


def create(
    layout: PlainLayout, images: Mapping[str, tuple[int, int]], is_human: bool
) -> ImageAutoencoder:
    """See `wtl.collection.worlds.perception.Perception`."""
    del is_human
    return ImageAutoencoder(images, layout.proprioception_size, layout.image_sets)


class ExampleSource:
    """Draws images of stored episodes; arguments are those of `examples`.

    Attributes:
      each: images of an episode that are drawn at once.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        layout: PlainLayout,
        later: int,
        is_human: bool = False,
    ):
        del layout, is_human
        self._demos = demos
        self.each = 1 + later

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Draw the images of 1 + `later` timesteps of each of `count` episodes."""
        row = rng.integers(len(self._demos), size=count * self.each)
        time = (rng.random(len(row)) * self._demos.length[row]).astype(np.int64)
        return {name: array[row, time] for name, array in self._demos.images.items()}

    def gather(self, rows: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
        """Convert arrays to tensors."""
        return {name: tf.convert_to_tensor(value) for name, value in rows.items()}


examples = ExampleSource


def adapt(network: ImageAutoencoder, source: ExampleSource, seed: int):
    """See the interface."""
    rng = np.random.default_rng(seed)
    network.adapt(source.draw(rng, max(1, _FIRST_IMAGES // source.each)), seed)


def loss(network: ImageAutoencoder, example, log_sigma_floor):
    """See the interface; the floor has no meaning here."""
    del log_sigma_floor
    return network.loss(example)


def describe(losses: image_autoencoder.Losses) -> dict[str, str]:
    """See the interface."""
    return {"image": f"{float(losses.total):.4f}"}


def policy(network: ImageAutoencoder, policy, watching=None) -> EncodedPolicy:
    """See the interface; there are no human videos."""
    del watching
    return EncodedPolicy(network, policy)


def by_place(store: EpisodeStore, layout: PlainLayout) -> EpisodeStore:
    """See the interface; there are no entities to order."""
    del layout
    return store
