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


def resample(store: EpisodeStore, count: int, interval_actions: bool = False) -> Frames:
    """Return `count` frames spread evenly over the whole of each episode.

    An episode is never cut: the last frame, which shows the goal, is included.

    Args:
      store: N episodes.
      count: T.
      interval_actions: whether the action of a frame is the mean of those until the
        next frame, to which the change of the state is due; else it is the one that is
        taken at the frame.
    """
    share = np.linspace(0, 1, count)
    index = np.rint(share * (store.length[:, None] - 1)).astype(np.int64)
    rows = np.arange(len(store))[:, None]
    images = {name: array[rows, index] for name, array in store.images.items()}
    action = store.action[rows, index]
    if interval_actions:
        begin, end = index[:, :-1], np.maximum(index[:, 1:], index[:, :-1] + 1)
        total = np.cumsum(store.action, axis=1, dtype=np.float64)
        total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)
        mean = (total[rows, end] - total[rows, begin]) / (end - begin)[..., None]
        action[:, :-1] = mean
    return Frames(store.state[rows, index], action, images)
