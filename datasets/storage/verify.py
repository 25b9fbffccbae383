"""Verification of published datasets.

The content of the folder is not trusted: damaged bytes become problems in the list,
never an exception.
"""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract import fields, metadata, numbers, regular_file
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.format import schema, tfrecord
from wtl.datasets.format.decoding import (
    DecodeError,
    decode,
    decode_metadata,
    episode_id,
)
from wtl.datasets.storage import checksums, location
from wtl.datasets.storage.checksums import FileChecksum
from wtl.datasets.storage.files import map_file
from wtl.datasets.storage.location import DatasetNotFoundError

_PARENT_FIELDS = (fields.PARENT_DEMO_IDS, fields.PARENT_TRIAL_IDS)
# Datasets that have the parents of a dataset's episodes.
_FOLLOWS = {
    fields.WTL_TRIALS: (fields.WTL_DEMOS, fields.WTL_HUMAN_VIDEOS),
    fields.WTL_RETRIALS: (fields.WTL_DEMOS, fields.WTL_TRIALS),
    fields.WTL_EVALUATIONS: (fields.WTL_DEMOS, fields.WTL_HUMAN_VIDEOS),
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """One fault of a dataset.

    Attributes:
      dataset: path of the dataset version.
      what: the fault, in one clause.
      file: name of the file it is in; empty if in none.
      episode: id of the episode, or its place in the file; empty if in none.
    """

    dataset: str
    what: str
    file: str = ""
    episode: str = ""

    def __str__(self) -> str:
        parts = (self.dataset, self.file, self.episode, self.what)
        return " ".join(": ".join(part for part in parts if part).split())


def verify(dataset_dir: str | os.PathLike) -> list[Problem]:
    """Check a published dataset: files, schema, episodes, ids and links.

    Parents of episodes are looked up in the dataset itself and in every version of the
    datasets beside it that its episodes follow (`_FOLLOWS`). Of a published policy,
    which has no episodes, the files are checked.

    Args:
      dataset_dir: `<root>/<name>/<version>`, or `<root>/<name>` for its newest.

    Returns:
      The problems found; empty if it is intact, which says nothing of its origin.
    """
    path = pathlib.Path(dataset_dir)
    # A sealed folder is verified even if its info file is missing.
    if not (path / fields.CHECKSUMS_FILE).is_file():
        try:
            path = location.resolve(dataset_dir)
        except (DatasetNotFoundError, OSError) as error:
            return [Problem(os.fspath(dataset_dir), str(error))]
    verifier = _Verifier(path)
    if (path / fields.POLICY_FILE).is_file() and not (path / fields.INFO_FILE).exists():
        return list(verifier.file_problems())
    return list(verifier.problems())


class _Verifier:
    """Verification of one dataset; collects ids and links on the way."""

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._sealed: dict[str, FileChecksum] = {}
        self._ids: collections.Counter[str] = collections.Counter()
        # (kind of link, id of the parent) -> an episode that has it, its file.
        self._links: dict[tuple[str, str], tuple[str, str]] = {}

    def problems(self) -> Iterator[Problem]:
        yield from self.file_problems()
        try:
            info = location.read_info(self._path)
            location.read_provenance(self._path)
            spec = schema.stored_spec(self._path)
        except (DatasetDamagedError, schema.DatasetMismatchError) as error:
            yield self._problem(str(error))
            return
        for split in info["splits"].keys() - set(fields.SPLITS):
            yield self._problem(f"unknown split {split!r}", fields.INFO_FILE)
        shards = list(location.shards(self._path))
        described = {file for _, file, _ in shards}
        for name in filter(checksums.is_shard, self._sealed):
            if name not in described:
                yield self._problem(f"{fields.INFO_FILE} does not name it", name)
        for split, file, length in shards:
            yield from self._shard_problems(file, split, length, spec)
        for name, count in self._ids.items():
            if count > 1:
                yield self._problem(f"is there {count} times", episode=name)
        yield from self._link_problems(info["name"])

    def _problem(self, what: str, file: str = "", episode: str = "") -> Problem:
        return Problem(os.fspath(self._path), what, file, episode)

    def _unreadable(self, file: str, error: Exception) -> Problem:
        reason = getattr(error, "strerror", None) or error
        return self._problem(f"cannot be read ({reason})", file)

    def file_problems(self) -> Iterator[Problem]:
        """Check every file against checksums.json."""
        try:
            expected = self._sealed = checksums.read(self._path)
        except DatasetDamagedError as error:
            yield self._problem(str(error), fields.CHECKSUMS_FILE)
            return
        irregular = dict(regular_file.faults(self._path))
        for name, what in irregular.items():
            yield self._problem(what, name)
        for name, promised in expected.items():
            if name in irregular:
                continue
            try:
                found = checksums.checksum(self._path / name)
            except (OSError, ValueError) as error:
                yield self._unreadable(name, error)
                continue
            if found.size != promised.size:
                yield self._problem(
                    f"has {found.size} bytes instead of {promised.size}", name
                )
            elif found != promised:
                yield self._problem("its bytes do not fit its checksum", name)
        known = {fields.CHECKSUMS_FILE, fields.TRUSTED_FILE, *expected}
        for name in expected:
            known.update(map(str, pathlib.PurePosixPath(name).parents))
        for entry in sorted(self._path.rglob("*")):
            name = entry.relative_to(self._path).as_posix()
            if name not in known and name not in irregular:
                yield self._problem("does not belong to the dataset", name)

    def _shard_problems(
        self, file: str, split: str, length: int, spec: EpisodeSpec
    ) -> Iterator[Problem]:
        try:
            data = map_file(self._path / file)
        except (OSError, ValueError) as error:
            yield self._unreadable(file, error)
            return
        end, number = 0, 0
        for number, record in enumerate(tfrecord.scan(data), start=1):
            place, end = f"episode {number - 1}", record.end
            if not record.sound:
                name = _name_if_legible(record.payload) or place
                yield self._problem("does not fit its checksum", file, name)
                continue
            try:
                episode = decode(record.payload, spec)
            except DecodeError as error:
                yield self._problem(f"cannot be decoded: {error}", file, place)
                continue
            self._ids[episode.id] += 1
            for field in _PARENT_FIELDS:
                for parent in episode.metadata[field]:
                    self._links.setdefault((field, parent), (episode.id, file))
            for what in _episode_faults(episode, spec, split):
                yield self._problem(what, file, episode.id or place)
        if end < len(data):
            yield self._problem(
                f"is cut off or damaged at byte {end}", file, f"episode {number}"
            )
        if number != length:
            yield self._problem(f"holds {number} episodes instead of {length}", file)

    def _link_problems(self, name: str) -> Iterator[Problem]:
        """Check that the parents of episodes exist."""
        root = self._path.absolute().parents[1]
        known = set(self._ids)
        for parents in _FOLLOWS.get(name, ()) if self._links else ():
            for version in location.versions(root / parents):
                try:
                    known.update(_episode_ids(version))
                except (DatasetDamagedError, OSError, ValueError) as error:
                    yield self._problem(f"its parents cannot be looked up: {error}")
        for (field, parent), (episode, file) in self._links.items():
            if parent not in known:
                yield self._problem(
                    f"{field} names {parent!r}, which is in no dataset beside this",
                    file,
                    episode,
                )


def _episode_faults(episode: Episode, spec: EpisodeSpec, split: str) -> Iterator[str]:
    fault = episode_lib.fault(episode, spec)
    if fault is not None:
        yield fault
        return
    found = episode.metadata[fields.SPLIT]
    if found != split:
        yield f"is of split {found!r} but lies in that of {split!r}"
    period = float(np.median(np.diff(episode.steps[fields.TIMESTAMP])))
    control_hz = episode.metadata[fields.CONTROL_HZ]
    if numbers.contradicts(period, control_hz):
        yield f"control_hz is {control_hz:g} but timestamps are {period:g} s apart"
    if fields.REWARD not in episode.steps:
        return
    # A reviewer may have excluded the episode for this very reason.
    rewarded = bool(episode.steps[fields.REWARD][-2] > 0)
    success = bool(episode.metadata[fields.SUCCESS])
    if rewarded != success and not episode.metadata[fields.INVALID]:
        yield (
            f"success is {success} but the last transition's reward is "
            f"{episode.steps[fields.REWARD][-2]:g}"
        )


def _name_if_legible(payload: memoryview) -> str | None:
    try:
        found = decode_metadata(payload, metadata.present(()))
    except DecodeError:
        return None
    return None if metadata.id_fault(found) else found[fields.EPISODE_ID]


def _episode_ids(path: pathlib.Path) -> Iterator[str]:
    for _, file, _ in location.shards(path):
        for record in tfrecord.read(map_file(path / file)):
            yield episode_id(record.payload)
