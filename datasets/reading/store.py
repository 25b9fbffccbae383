"""Episodes in memory as stacked arrays, for training and evaluation."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.metadata import METADATA, NUMPY_TYPES, Kind

# Physics states serve to render published episodes again.
_STACKED = (fields.STATE, fields.ACTION, fields.REWARD, fields.IMAGE)


@dataclasses.dataclass(frozen=True)
class EpisodeStore:
    """N episodes of up to T timesteps; shorter ones repeat their last frame.

    Attributes:
      state: [N, T, S] float32 observed states; S is 0 where there are none.
      action: [N, T, A] float32 actions; zeros from each last step on. A is 0 in
        videos.
      reward: [N, T] float32 rewards; zeros from each last step on, and in videos.
      length: [N] int32 timesteps of each episode, its last step included.
      metadata: column by field name: an array of N values, of which those of
        `parent_demo_ids` and `parent_trial_ids` are tuples of texts, or of vectors
        [N, size].
      physics_state: [N, T, P] float64 physics states, or None if not read or not
        there.
      image: [N, T, H, W, 3] uint8 images, or None if not read or not there.
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    length: np.ndarray
    metadata: Mapping[str, np.ndarray]
    physics_state: np.ndarray | None = None
    image: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        steps: Mapping[str, np.ndarray],
        length: np.ndarray,
        values: Mapping[str, Sequence],
    ) -> "EpisodeStore":
        """Make a store of arrays [N, T, ...] by step field and N values of metadata."""
        shape = next(iter(steps.values())).shape[:2]
        nothing = np.zeros((*shape, 0), np.float32)
        return cls(
            state=steps.get(fields.STATE, nothing),
            action=steps.get(fields.ACTION, nothing),
            reward=steps.get(fields.REWARD, np.zeros(shape, np.float32)),
            length=length,
            metadata={name: column(name, each) for name, each in values.items()},
            physics_state=steps.get(fields.PHYSICS_STATE),
            image=steps.get(fields.IMAGE),
        )

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.length)

    def __getitem__(self, name: str) -> np.ndarray:
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
        """Return a store of the episodes of a bool mask [N], or of rows in order."""
        which = np.asarray(which)
        if which.dtype == np.bool_:
            if which.shape != (len(self),):
                raise ValueError(
                    f"a mask of shape {which.shape} for {len(self)} episodes"
                )
            which = np.flatnonzero(which)
        which = which.astype(np.int64)

        arrays = {}
        for field in dataclasses.fields(self):
            array = getattr(self, field.name)
            if isinstance(array, np.ndarray):
                arrays[field.name] = array[which]
        columns = {name: column[which] for name, column in self.metadata.items()}
        return EpisodeStore(metadata=columns, **arrays)


def stack(episodes: Sequence[Episode]) -> EpisodeStore:
    """Return a store of episodes in memory, images included, without physics."""
    length = np.array([len(episode) for episode in episodes], np.int32)
    steps = {
        name: np.stack([_padded(e.steps[name], length.max()) for e in episodes])
        for name in _STACKED
        if name in episodes[0].steps
    }
    columns = {
        name: [episode.metadata[name] for episode in episodes]
        for name in episodes[0].metadata
    }
    return EpisodeStore.of(steps, length, columns)


def concatenate(stores: Sequence[EpisodeStore]) -> EpisodeStore:
    """Return one store of the episodes of several, in order; without physics."""
    longest = max(store.state.shape[1] for store in stores)

    def joined(name: str) -> np.ndarray:
        parts = [getattr(store, name) for store in stores]
        return np.concatenate([_padded(part, longest, axis=1) for part in parts])

    columns = {
        name: np.concatenate([store[name] for store in stores])
        for name in stores[0].metadata
    }
    filmed = all(store.image is not None for store in stores)
    return EpisodeStore(
        state=joined(fields.STATE),
        action=joined(fields.ACTION),
        reward=joined(fields.REWARD),
        length=np.concatenate([store.length for store in stores]),
        metadata=columns,
        image=joined(fields.IMAGE) if filmed else None,
    )


def _padded(array: np.ndarray, length: int, axis: int = 0) -> np.ndarray:
    """Return an array whose last step is repeated up to a length."""
    last = np.take(array, [-1], axis)
    missing = length - array.shape[axis]
    return np.concatenate([array, np.repeat(last, missing, axis)], axis)


def column(name: str, values: Sequence) -> np.ndarray:
    """Make the metadata column of a field from its values."""
    kind = METADATA[name].kind
    # One long note would make a fixed-width array of texts as wide for all.
    if kind is Kind.TEXTS or name == fields.NOTES:
        return np.fromiter(values, object, len(values))
    return np.array(values, NUMPY_TYPES.get(kind, np.str_))
