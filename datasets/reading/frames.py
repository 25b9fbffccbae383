"""Episodes resampled to a fixed number of frames, as context of a policy."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from wtl.datasets.reading.store import EpisodeStore


@dataclasses.dataclass(frozen=True)
class Frames:
    """N episodes of T frames.

    Attributes:
      state: [N, T, S] float32.
      action: [N, T, A] float32.
      images: [N, T, H, W, 3] uint8 by name.
    """

    state: np.ndarray
    action: np.ndarray
    images: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


def resample(store: EpisodeStore, count: int) -> Frames:
    """Return `count` frames spread evenly over the whole of each episode.

    An episode is never cut: the last frame, which shows the goal, is included.
    """
    share = np.linspace(0, 1, count)
    index = np.rint(share * (store.length[:, None] - 1)).astype(np.int64)
    rows = np.arange(len(store))[:, None]
    images = {name: array[rows, index] for name, array in store.images.items()}
    return Frames(store.state[rows, index], store.action[rows, index], images)
