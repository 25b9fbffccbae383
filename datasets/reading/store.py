"""Episodes in memory as stacked arrays, for training and evaluation."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.metadata import METADATA, NUMPY_TYPES, Kind
from wtl.datasets.reading import joining
from wtl.datasets.reading.scaling import scaled

# Of the fixed step fields. Physics states serve to render published episodes again.
_STACKED = (fields.ACTION, fields.REWARD)


@dataclasses.dataclass(frozen=True)
class EpisodeStore:
    """N episodes of up to T timesteps; shorter ones repeat their last frame.

    Attributes:
      state: [N, T, S] float32 observed states, see `joining.joined`; S is 0 where
        there are none.
      action: [N, T, A] float32 actions; zeros from each last step on. A is 0 in
        videos.
      reward: [N, T] float32 rewards; zeros from each last step on, and in videos.
      length: [N] int32 timesteps of each episode, its last step included.
      metadata: column by field name: an array of N values, of which those of
        `parent_demo_ids` and `parent_trial_ids` are tuples of texts, or of vectors
        [N, size].
      physics_state: [N, T, P] float64 physics states, or None if not read or not
        there.
      images: [N, T, H, W, 3] uint8 images by name, of those that were read.
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    length: np.ndarray
    metadata: Mapping[str, np.ndarray]
    physics_state: np.ndarray | None = None
    images: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

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
        step = np.minimum(np.arange(shape[1]), length[:, None] - 1)
        return cls(
            state=joining.joined(steps, step),
            action=steps.get(fields.ACTION, nothing),
            reward=steps.get(fields.REWARD, np.zeros(shape, np.float32)),
            length=length,
            metadata={name: column(name, each) for name, each in values.items()},
            physics_state=steps.get(fields.PHYSICS_STATE),
            images={
                name: array for name, array in steps.items() if array.dtype == np.uint8
            },
        )

    @property
    def image(self) -> np.ndarray | None:
        """[N, T, H, W, 3] images of the camera `image`; None if there are none."""
        return self.images.get(fields.IMAGE)

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
        images = {name: array[which] for name, array in self.images.items()}
        return EpisodeStore(metadata=columns, images=images, **arrays)


def stack(
    episodes: Sequence[Episode], images: Mapping[str, tuple[int, int]] | None = None
) -> EpisodeStore:
    """Return a store of episodes in memory, without physics.

    Args:
      episodes: the episodes.
      images: names of the images to include, with the height and width to scale them
        to; None for all as they are.
    """
    length = np.array([len(episode) for episode in episodes], np.int32)
    steps = {
        name: np.stack([_padded(e.steps[name], length.max()) for e in episodes])
        for name in episodes[0].steps
        if name in _STACKED or name not in fields.STEP_FIELDS
    }
    if images is not None:
        steps = {
            name: scaled(array, images[name]) if name in images else array
            for name, array in steps.items()
            if name in images or array.dtype != np.uint8
        }
    columns = {
        name: [episode.metadata[name] for episode in episodes]
        for name in episodes[0].metadata
    }
    return EpisodeStore.of(steps, length, columns)


def concatenate(stores: Sequence[EpisodeStore]) -> EpisodeStore:
    """Return one store of the episodes of several, in order; without physics."""
    longest = max(store.state.shape[1] for store in stores)

    def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate([_padded(part, longest, axis=1) for part in parts])

    columns = {
        name: np.concatenate([store[name] for store in stores])
        for name in stores[0].metadata
    }
    cameras = set.intersection(*(set(store.images) for store in stores))
    return EpisodeStore(
        state=joined(store.state for store in stores),
        action=joined(store.action for store in stores),
        reward=joined(store.reward for store in stores),
        length=np.concatenate([store.length for store in stores]),
        metadata=columns,
        images={c: joined(store.images[c] for store in stores) for c in cameras},
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
