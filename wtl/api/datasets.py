"""Datasets as sequences of episodes."""

import os
from collections.abc import Sequence

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.reading import reader


class Dataset(Sequence[Episode]):
    """Episodes of a dataset version, in memory."""

    def __init__(self, episodes: Sequence[Episode]):
        """Keep episodes in order."""
        self._episodes = list(episodes)

    def __repr__(self) -> str:
        return f"Dataset of {len(self)} episodes"

    def __len__(self) -> int:
        return len(self._episodes)

    def __getitem__(self, which):
        """Return an episode by its number, or a `Dataset` by a slice."""
        found = self._episodes[which]
        return Dataset(found) if isinstance(which, slice) else found

    def where(self, **metadata) -> "Dataset":
        """Return the episodes with these values, such as `success=True`."""
        return Dataset(
            [
                episode
                for episode in self._episodes
                if all(episode.metadata[k] == v for k, v in metadata.items())
            ]
        )


def load_dataset(
    folder: str | os.PathLike, split: str | None = None, with_invalid: bool = False
) -> Dataset:
    """Return the episodes of a published dataset.

    Args:
      folder: RUN/datasets/NAME, for its newest version, or a version in it.
      split: `train`, `val` or `test`; None for all.
      with_invalid: whether to include episodes that are marked invalid.

    Raises:
      UserError: if there is none, or it is damaged.
    """
    found = reader.iterate_episodes(os.path.expanduser(folder), split)
    return Dataset([e for e in found if with_invalid or not e.metadata[fields.INVALID]])
