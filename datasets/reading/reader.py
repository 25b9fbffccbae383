"""Reader of published datasets: dense arrays for training, episodes for display.

Iterating TFDS's nested `steps` gives some 70 episodes per second, and reading
the same records through `tf.data` some 6,000, since it moves and checksums every
byte. Here files are mapped and only the wanted fields are touched: the physics
state, three quarters of the bytes, stays on disk. Checksums are the business of
`verify`.
"""

import contextlib
import itertools
import os
import pathlib
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract import splits as known_splits
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.metadata import present
from wtl.datasets.format import decoding, schema, tfrecord
from wtl.datasets.format.decoding import DecodeError, decode
from wtl.datasets.reading.scaling import scaled
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import checksums, location
from wtl.datasets.storage.files import map_file
from wtl.datasets.storage.location import DatasetDamagedError


def read(
    dataset_dir: str | os.PathLike,
    splits: str | Sequence[str] | None = None,
    with_physics: bool = False,
    images: Mapping[str, tuple[int, int]] | None = None,
    spec: EpisodeSpec | None = None,
) -> EpisodeStore:
    """Read a published dataset into memory.

    Args:
      dataset_dir: `<root>/<name>/<version>`, or `<root>/<name>` for its newest
        version.
      splits: which splits to read, in this order; all of them if None. A split
        without episodes gives none.
      with_physics: whether to read the physics states too, where there are any.
      images: names of the images to read too, where there are any, with the height
        and width to scale them to.
      spec: expected sizes of the episodes; not checked if None.

    Returns:
      The episodes, in order of their ids within each split.

    Raises:
      DatasetNotFoundError: if there is no dataset; the message says what to run.
      DatasetMismatchError: if its features are not those expected.
      DatasetDamagedError: if its files cannot be read.
    """
    path = location.resolve(dataset_dir)
    found = schema.stored_spec(path)
    if spec is not None:
        schema.require(spec, found, path)
    shards = _shards(path, splits)
    rows = _Rows(
        sum(length for _, length in shards),
        found,
        with_physics,
        images or {},
    )
    for file, length in shards:
        with _damage_named(file, path):
            for record in _records(file, length):
                rows.add(decoding.split(record.payload))
    return rows.store()


def iterate_episodes(
    dataset_dir: str | os.PathLike,
    splits: str | Sequence[str] | None = None,
    episode_ids: Container[str] | None = None,
) -> Iterator[Episode]:
    """Yield whole episodes, physics states included, one at a time.

    Args:
      dataset_dir: as for `read`.
      splits: as for `read`.
      episode_ids: ids of those wanted; None for all.

    Raises:
      DatasetNotFoundError: if there is no dataset.
      DatasetMismatchError: if it does not hold WTL episodes.
      DatasetDamagedError: if an episode cannot be read.
    """
    path = location.resolve(dataset_dir)
    spec = schema.stored_spec(path)
    for file, length in _shards(path, splits):
        with _damage_named(file, path):
            records = _records(file, length)
            if episode_ids is not None:
                found = [decoding.episode_id(record.payload) for record in records]
                wanted = [name in episode_ids for name in found]
                records = itertools.compress(records, wanted)
        for record in records:
            with _damage_named(file, path):
                episode = decode(record.payload, spec)
            yield episode


class EpisodesById:
    """Whole episodes of a published dataset by their ids, decoded when asked for.

    Attributes:
      payloads: serialised episodes by id, views into the files.
    """

    def __init__(self, dataset_dir: str | os.PathLike):
        """Map the files; see `read` for the arguments and errors."""
        path = location.resolve(dataset_dir)
        self._spec = schema.stored_spec(path)
        self.payloads = {
            decoding.episode_id(record.payload): record.payload
            for record in iterate_records(path)
        }

    def __getitem__(self, episode_id: str) -> Episode:
        return decode(self.payloads[episode_id], self._spec)


def iterate_records(
    dataset_dir: str | os.PathLike, check: bool = False
) -> Iterator[tfrecord.Record]:
    """Yield the records of serialised episodes, with checked checksums or without.

    Raises:
      DatasetNotFoundError: if there is no dataset.
      DatasetDamagedError: if its files differ from its info or a checksum.
    """
    path = location.resolve(dataset_dir)
    for file, length in _shards(path, None):
        with _damage_named(file, path):
            records = _records(file, length)
            for number, record in enumerate(records if check else ()):
                if not record.sound:
                    raise DecodeError(f"episode {number} is damaged")
        yield from records


@contextlib.contextmanager
def _damage_named(file: pathlib.Path, dataset_dir: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise DatasetDamagedError(
            f"{file} cannot be read ({error}); `wtl verify {dataset_dir}` lists the "
            "faults"
        ) from None


def _records(file: pathlib.Path, length: int) -> list[tfrecord.Record]:
    records = tfrecord.read(map_file(file))
    if len(records) != length:
        raise DecodeError(f"{len(records)} episodes instead of {length}")
    return records


def _shards(
    path: pathlib.Path, splits: str | Sequence[str] | None
) -> list[tuple[pathlib.Path, int]]:
    """Return the shard files with the number of episodes in each."""
    wanted = [splits] if isinstance(splits, str) else splits
    if wanted is None:
        wanted = fields.SPLITS
    known_splits.require(wanted)
    found = [shard for shard in location.shards(path) if shard[0] in wanted]
    if os.path.lexists(path / fields.CHECKSUMS_FILE):  # TFDS builds none
        known = checksums.read(path)
        for _, file, _ in found:
            if file not in known:
                raise DatasetDamagedError(f"{path / file} has no checksum")
    for _, file, length in found:
        with _damage_named(path / file, path):
            # Arrays of as many rows are made before the file is read.
            if length * tfrecord.OVERHEAD > os.stat(path / file).st_size:
                raise ValueError(f"it is too small for {length} episodes")
    found.sort(key=lambda shard: wanted.index(shard[0]))
    return [(path / file, length) for _, file, length in found]


class _Rows:
    """Arrays that are filled episode by episode."""

    def __init__(
        self,
        count: int,
        spec: EpisodeSpec,
        with_physics: bool,
        images: Mapping[str, tuple[int, int]],
    ):
        self._spec = spec
        arrays = spec.step_arrays()
        wanted = [*(o.name for o in spec.vectors), fields.ACTION, fields.REWARD]
        wanted += [fields.PHYSICS_STATE] * with_physics + [*images]
        # Of a video whose images are not wanted, the length still is.
        names = [n for n in wanted if n in arrays] or [fields.TIMESTAMP]
        self._layout = {name: arrays[name] for name in names}
        self._images = images
        self._steps = {
            name: np.zeros((count, 0, *images.get(name, ()), *shape[-1:]), dtype)
            if name in images
            else np.zeros((count, 0, *shape), dtype)
            for name, (shape, dtype) in self._layout.items()
        }
        self._length = np.zeros(count, np.int32)
        names = present(spec.optional_metadata)
        self._columns: dict[str, list[Any]] = {name: [] for name in names}
        self._at = 0

    def add(self, features: decoding.Features) -> None:
        """Add one episode; raise DecodeError if it is damaged."""
        length = None
        for name, (shape, dtype) in self._layout.items():
            array = decoding.step_array(features, name, shape, dtype)
            if name in self._images:
                array = scaled(array, self._images[name])
            if length is None:
                length = len(array)
                self._make_room(length)
            if len(array) != length or not length:
                raise DecodeError(f"step field {name!r} has {len(array)} steps")
            rows = self._steps[name][self._at]
            rows[:length] = array
            # Shorter episodes repeat their last frame.
            rows[length:] = array[-1]
        for name, value in decoding.metadata_values(features, self._spec).items():
            self._columns[name].append(value)
        self._length[self._at] = length
        self._at += 1

    def store(self) -> EpisodeStore:
        return EpisodeStore.of(self._steps, self._length, self._columns)

    def _make_room(self, length: int) -> None:
        """Lengthen the arrays if an episode is longer than those before."""
        had = next(iter(self._steps.values())).shape[1]
        if length <= had:
            return
        for name, array in self._steps.items():
            longer = np.empty((len(array), length, *array.shape[2:]), array.dtype)
            if self._at:
                longer[: self._at, :had] = array[: self._at]
                longer[: self._at, had:] = array[: self._at, -1:]
            self._steps[name] = longer
