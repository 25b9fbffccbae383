"""Episodes in memory as stacked arrays, for training and evaluation."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.metadata import METADATA, Kind

# Physics states serve to render published episodes again.
_STACKED = (fields.STATE, fields.ACTION, fields.REWARD, fields.IMAGE)
_COLUMN_TYPES = {
    Kind.BOOL: np.bool_,
    Kind.INT32: np.int32,
    Kind.INT64: np.int64,
    Kind.FLOAT32: np.float32,
    Kind.FLOATS: np.float32,
}


@dataclasses.dataclass(frozen=True)
class EpisodeStore:
    """N episodes of up to T timesteps; shorter ones repeat their last frame.

    Attributes:
      state: [N, T, S] float32 observed states; S is 0 where there are none.
      action: [N, T, A] float32 actions; zeros from each last step on. A is 0 in
        videos.
      reward: [N, T] float32 rewards; zeros from each last step on, and in videos.
      length: [N] int32 timesteps of each episode, its last step included.
      metadata: column by field name: an array of N values, or for
        `parent_demo_ids` and `parent_trial_ids` a list of N tuples of texts, and for
        vectors, where they are there, [N, size].
      physics_state: [N, T, P] float64 physics states, or None if not read or not
        there.
      image: [N, T, H, W, 3] uint8 images, or None if not read or not there.
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    length: np.ndarray
    metadata: Mapping[str, np.ndarray | list[tuple[str, ...]]]
    physics_state: np.ndarray | None = None
    image: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        steps: Mapping[str, np.ndarray],
        length: np.ndarray,
        metadata: Mapping[str, np.ndarray | list[tuple[str, ...]]],
    ) -> "EpisodeStore":
        """Make a store of the present step fields, at least one.

        Args:
          steps: [N, T, ...] arrays by field name.
          length: as the attribute.
          metadata: as the attribute.
        """
        shape = next(iter(steps.values())).shape[:2]
        nothing = np.zeros((*shape, 0), np.float32)
        return cls(
            state=steps.get(fields.STATE, nothing),
            action=steps.get(fields.ACTION, nothing),
            reward=steps.get(fields.REWARD, np.zeros(shape, np.float32)),
            length=length,
            metadata=metadata,
            physics_state=steps.get(fields.PHYSICS_STATE),
            image=steps.get(fields.IMAGE),
        )

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.length)

    def __getitem__(self, name: str) -> np.ndarray | list[tuple[str, ...]]:
        """Return the metadata column of a field."""
        return self.metadata[name]

    @functools.cached_property
    def index_by_id(self) -> dict[str, int]:
        """Row of each episode by its id."""
        names = self.metadata[fields.EPISODE_ID].tolist()
        return {name: row for row, name in enumerate(names)}

    def rows(self, episode_ids: Sequence[str]) -> np.ndarray:
        """Return the rows of the named episodes.

        Raises:
          KeyError: with the first unknown id.
        """
        index = self.index_by_id
        return np.array([index[name] for name in episode_ids], np.int64)

    def select(self, which: np.ndarray | Sequence[int]) -> "EpisodeStore":
        """Return a store of some of the episodes.

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

        def chosen(column):
            if isinstance(column, np.ndarray):
                return column[which]
            return None if column is None else [column[row] for row in which]

        columns = {name: chosen(column) for name, column in self.metadata.items()}
        arrays = {
            field.name: chosen(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "metadata"
        }
        return EpisodeStore(metadata=columns, **arrays)


def as_column(
    kind: Kind, name: str, values: list
) -> np.ndarray | list[tuple[str, ...]]:
    """Make the metadata column of a field from its values."""
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
    """Return a store of episodes in memory, images included, without physics."""
    length = np.array([len(episode) for episode in episodes], np.int32)

    def padded(name: str) -> np.ndarray:
        arrays = [episode.steps[name] for episode in episodes]
        shape = (len(arrays), length.max(), *arrays[0].shape[1:])
        result = np.zeros(shape, arrays[0].dtype)
        for row, array in zip(result, arrays, strict=True):
            row[: len(array)] = array
            # The last action and reward are zeros.
            row[len(array) :] = array[-1]
        return result

    return EpisodeStore.of(
        {name: padded(name) for name in _STACKED if name in episodes[0].steps},
        length,
        {
            name: as_column(
                METADATA[name].kind, name, [e.metadata[name] for e in episodes]
            )
            for name in episodes[0].metadata
        },
    )


def concatenate(stores: Sequence[EpisodeStore]) -> EpisodeStore:
    """Return one store of the episodes of several, in order; without physics."""
    longest = max(store.state.shape[1] for store in stores)

    def joined(name: str) -> np.ndarray:
        parts = [getattr(store, name) for store in stores]
        return np.concatenate(
            [
                np.concatenate(
                    [part, np.repeat(part[:, -1:], longest - part.shape[1], axis=1)],
                    axis=1,
                )
                for part in parts
            ]
        )

    columns = {}
    for name, column in stores[0].metadata.items():
        parts = [store[name] for store in stores]
        if isinstance(column, np.ndarray):
            columns[name] = np.concatenate(parts)
        else:
            columns[name] = [value for part in parts for value in part]
    filmed = all(store.image is not None for store in stores)
    return EpisodeStore(
        state=joined(fields.STATE),
        action=joined(fields.ACTION),
        reward=joined(fields.REWARD),
        length=np.concatenate([store.length for store in stores]),
        metadata=columns,
        image=joined(fields.IMAGE) if filmed else None,
    )
