"""Episodes in memory as stacked arrays, for training and evaluation."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from datasets import fields
from datasets.episode import Episode
from datasets.metadata import METADATA, Kind

_COLUMN_TYPES = {
    Kind.BOOL: np.bool_,
    Kind.INT32: np.int32,
    Kind.INT64: np.int64,
    Kind.FLOAT32: np.float32,
}


@dataclasses.dataclass(frozen=True)
class EpisodeStore:
    """N episodes of up to T timesteps; shorter ones repeat their last frame.

    Attributes:
      state: [N, T, S] float32 observed states.
      action: [N, T, A] float32 actions; zeros from each last step on.
      reward: [N, T] float32 rewards; zeros from each last step on.
      length: [N] int32 timesteps of each episode, its last step included.
      metadata: column by field name: an array of N values, or for
        `parent_demo_ids` and `parent_trial_ids` a list of N tuples of texts.
      physics_state: [N, T, P] float64 physics states, or None if not read.
      image: [N, T, H, W, 3] uint8 images, or None if not read.
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    length: np.ndarray
    metadata: Mapping[str, np.ndarray | list[tuple[str, ...]]]
    physics_state: np.ndarray | None = None
    image: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.length)

    def __getitem__(self, name: str) -> np.ndarray | list[tuple[str, ...]]:
        """The metadata column of a field."""
        return self.metadata[name]

    @functools.cached_property
    def index_by_id(self) -> dict[str, int]:
        """Row of each episode by its id."""
        names = self.metadata[fields.EPISODE_ID].tolist()
        return {name: row for row, name in enumerate(names)}

    def rows(self, episode_ids: Sequence[str]) -> np.ndarray:
        """Rows of the episodes named.

        Raises:
          KeyError: naming the first id that is not there.
        """
        index = self.index_by_id
        return np.array([index[name] for name in episode_ids], np.int64)

    def select(self, which: np.ndarray | Sequence[int]) -> "EpisodeStore":
        """Returns a store of some of the episodes.

        Args:
          which: [N] bool mask, or integer rows in the order wanted.
        """
        which = np.asarray(which)
        if which.dtype == np.bool_:
            if which.shape != (len(self),):
                raise ValueError(
                    f"a mask of shape {which.shape} for {len(self)} episodes"
                )
            which = np.flatnonzero(which)
        which = which.astype(np.int64)
        physics, image = self.physics_state, self.image
        return EpisodeStore(
            state=self.state[which],
            action=self.action[which],
            reward=self.reward[which],
            length=self.length[which],
            metadata={
                name: (
                    column[which]
                    if isinstance(column, np.ndarray)
                    else [column[row] for row in which]
                )
                for name, column in self.metadata.items()
            },
            physics_state=None if physics is None else physics[which],
            image=None if image is None else image[which],
        )


def as_column(
    kind: Kind, name: str, values: list
) -> np.ndarray | list[tuple[str, ...]]:
    """Makes the metadata column of a field from its values."""
    if kind is Kind.TEXTS:
        return values
    if name == fields.NOTES:
        # One long note would make a fixed-width array of texts as wide for all.
        column = np.empty(len(values), object)
        column[:] = values
        return column
    if kind is Kind.TEXT:
        return np.array(values, np.str_)
    return np.array(values, _COLUMN_TYPES[kind])


def stack(episodes: Sequence[Episode]) -> EpisodeStore:
    """Returns a store of episodes in memory, images included, without physics."""
    length = np.array([len(episode) for episode in episodes], np.int32)

    def padded(name: str, repeat_last: bool) -> np.ndarray:
        arrays = [episode.steps[name] for episode in episodes]
        shape = (len(arrays), length.max(), *arrays[0].shape[1:])
        result = np.zeros(shape, arrays[0].dtype)
        for row, array in zip(result, arrays, strict=True):
            row[: len(array)] = array
            if repeat_last:
                row[len(array) :] = array[-1]
        return result

    return EpisodeStore(
        state=padded(fields.STATE, repeat_last=True),
        action=padded(fields.ACTION, repeat_last=False),
        reward=padded(fields.REWARD, repeat_last=False),
        length=length,
        image=(
            padded(fields.IMAGE, repeat_last=True)
            if fields.IMAGE in episodes[0].steps
            else None
        ),
        metadata={
            name: as_column(field.kind, name, [e.metadata[name] for e in episodes])
            for name, field in METADATA.items()
        },
    )
