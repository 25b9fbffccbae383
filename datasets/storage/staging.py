"""Durable staging of episodes while they are being collected.

An episode is safe once `append` has returned: its bytes are synced to disk and survive
a crash of the process. A record cut off by a crash is dropped at the next start; it was
never acknowledged.

A staging folder holds the spec of the episodes and a TFRecord file of them, serialised,
in order of arrival. `publish` turns it into a TFDS dataset version.
"""

import collections
import dataclasses
import errno
import json
import logging
import os
import pathlib
from collections.abc import Container, Iterable, Iterator

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.datasets.format import tfrecord
from wtl.datasets.format.decoding import DecodeError, decode, episode_id
from wtl.datasets.format.encoding import encode
from wtl.datasets.storage.files import map_file, sync, write_durably
from wtl.datasets.storage.shard_lock import ShardLock

_SPEC_FILE = "spec.json"
SHARD_FILE = "staged-00000.tfrecord"


class StagingError(RuntimeError):
    """Episodes could not be staged, or the staged files cannot be used."""


class StagingWriter:
    """Writer that appends episodes to a staging folder, durably.

    Attributes:
      directory: the folder.
      spec: spec of the staged episodes.
    """

    def __init__(self, directory: str | os.PathLike, spec: EpisodeSpec):
        """Open or create a staging folder, and repair it after a crash.

        Raises:
          DatasetLockedError: if another writer has the folder open.
          StagingError: if the folder holds episodes of another spec.
        """
        self.directory = pathlib.Path(directory)
        self.spec = spec
        self._path = self.directory / SHARD_FILE
        self._checksums: dict[str, int] = {}
        self._fd = -1
        self._lock = None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = shard_lock(self.directory)
            self._claim_spec()
            self._recover()
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o644)
            self._size = os.lseek(self._fd, 0, os.SEEK_END)
            sync(self.directory)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise StagingError(_write_message(self._path, error)) from error
            raise

    @property
    def episode_ids(self) -> frozenset[str]:
        """Ids of the staged episodes."""
        return frozenset(self._checksums)

    def append(self, episodes: Episode | Iterable[Episode]) -> int:
        """Stage episodes durably and return how many are new.

        They are on disk when the call returns; if it raises, none of them is staged.
        Appending several at once shares one sync. An episode that is staged already is
        skipped, so that a resumed collector may append it again. Where interventions
        are recorded, episodes without that record count as without interventions.

        Raises:
          EpisodeError: if an episode breaks the schema.
          StagingError: if the disk is full or fails, or if another episode of
            the same id is staged.
        """
        if isinstance(episodes, Episode):
            episodes = [episodes]
        return self._add([(e.id, encoded(e, self.spec)) for e in episodes])

    def append_encoded(self, payloads: Iterable[bytes | memoryview]) -> int:
        """Stage serialised episodes of the same spec, as `append`, but unchecked.

        Lossy images are thus not encoded again.

        Raises:
          DecodeError: if one has no legible id.
          StagingError: as `append`.
        """
        return self._add((episode_id(payload), bytes(payload)) for payload in payloads)

    def _add(self, encoded: Iterable[tuple[str, bytes]]) -> int:
        """Stage the serialised episodes, given by id, that are not staged yet."""
        self._require_open()
        checksums = collections.ChainMap({}, self._checksums)
        frames = []
        for name, payload in encoded:
            record = tfrecord.Record(0, memoryview(tfrecord.frame(payload)))
            if name not in checksums:
                checksums[name] = record.checksum
                frames.append(record.frame)
            elif checksums[name] != record.checksum:
                raise StagingError(
                    f"{self._path}: another episode with id {name} is already "
                    "staged; ids must name one episode"
                )
        if frames:
            self._write(b"".join(frames))
            self._checksums.update(checksums.maps[0])
        return len(frames)

    def retract(self) -> str | None:
        """Remove the newest episode, durably; return its id, or None if there is none.

        Raises:
          StagingError: if the disk fails; the episode is then still there.
        """
        self._require_open()
        last = self._last_record()
        if last is None:
            return None
        name = episode_id(last.payload)
        try:
            os.ftruncate(self._fd, last.offset)
            os.fsync(self._fd)
        except OSError as error:
            raise StagingError(_write_message(self._path, error)) from error
        self._size = last.offset
        del self._checksums[name]
        return name

    @property
    def newest(self) -> str | None:
        """Id of the newest episode; None if there is none."""
        last = self._last_record()
        return None if last is None else episode_id(last.payload)

    def _require_open(self) -> None:
        if self._fd < 0:
            raise StagingError(f"staging shard {self._path} is closed")

    def _last_record(self) -> tfrecord.Record | None:
        if not self._size:
            return None
        *_, last = tfrecord.scan(map_file(self._path)[: self._size])
        return last

    def close(self) -> None:
        """Release the shard; everything acknowledged is already on disk."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "StagingWriter":
        return self

    def __exit__(self, *unused_exception) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        view, written = memoryview(data), 0
        try:
            # Remains of an interrupted append were never acknowledged.
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
            while written < len(view):
                written += os.write(self._fd, view[written:])
            os.fsync(self._fd)
        except BaseException as error:
            # Ctrl-C lands here too: a record half-way in must not stay.
            self._roll_back()
            if not isinstance(error, OSError):
                raise
            raise StagingError(_write_message(self._path, error)) from error
        self._size += len(data)

    def _roll_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
            os.fsync(self._fd)
        except OSError:
            # The shard's end is unknown: leave it to the next start to repair.
            os.close(self._fd)
            self._fd = -1

    def _claim_spec(self) -> None:
        path = self.directory / _SPEC_FILE
        if not path.exists():
            text = json.dumps(dataclasses.asdict(self.spec), indent=2) + "\n"
            write_durably(path, text.encode())
        if difference := read_spec(self.directory).difference(self.spec):
            name, was, now = difference
            raise StagingError(
                f"{self.directory} holds episodes with {name} {was}, not {now}; use "
                "another folder or remove this one"
            )

    def _recover(self) -> None:
        """Read the shard, and cut off or set aside damaged records."""
        data = staged_bytes(self.directory)
        end, damaged = 0, []
        for record in tfrecord.scan(data):
            end = record.end
            try:
                if not record.sound:
                    raise DecodeError("its checksum does not fit")
                self._checksums[episode_id(record.payload)] = record.checksum
            except DecodeError:
                damaged.append(record)
        # A killed writer leaves the beginning of a record at the end. Anything else
        # is damage to what the disk held: keep it for a person to look at.
        cut_off = tfrecord.is_cut_off(data, end)
        if damaged or (end < len(data) and not cut_off):
            self._set_aside(data, damaged, end)
        elif cut_off:
            os.truncate(self._path, end)
            sync(self._path)

    def _set_aside(
        self, data: memoryview, damaged: list[tfrecord.Record], end: int
    ) -> None:
        """Rewrite the shard without damaged records, keeping the old file."""
        starts = [0, *(record.end for record in damaged)]
        ends = [*(record.offset for record in damaged), end]
        kept = [data[start:stop] for start, stop in zip(starts, ends, strict=True)]
        number = len(list(self.directory.glob(f"{self._path.name}.damaged-*")))
        aside = self._path.with_name(f"{self._path.name}.damaged-{number}")
        os.link(self._path, aside)
        write_durably(self._path, b"".join(kept))
        logging.warning(
            "%s was damaged: what could be read is kept, and the file as it was is %s",
            self._path,
            aside,
        )


def encoded(episode: Episode, spec: EpisodeSpec) -> bytes:
    """Return an episode serialised for staging.

    Where interventions are recorded, an episode without that record has none.

    Raises:
      EpisodeError: if the episode breaks the schema.
    """
    if spec.interventions:
        episode = episode.unassisted()
    episode_lib.validate(episode, spec)
    return encode(episode, spec.image_encoding)


def shard_lock(directory: str | os.PathLike) -> ShardLock:
    """Return the acquired lock of a staging folder.

    Raises:
      DatasetLockedError: if another process holds it.
    """
    path = pathlib.Path(directory) / SHARD_FILE
    return ShardLock(path.with_suffix(".lock"), f"staging shard {path}")


def staged_bytes(directory: str | os.PathLike) -> memoryview:
    """Map the records of a staging folder."""
    path = pathlib.Path(directory) / SHARD_FILE
    return map_file(path) if path.exists() else memoryview(b"")


def is_staging(directory: str | os.PathLike) -> bool:
    """Return whether a folder holds staged episodes."""
    return (pathlib.Path(directory) / _SPEC_FILE).is_file()


def iterate_staged(
    directory: str | os.PathLike, episode_ids: Container[str] | None = None
) -> Iterator[Episode]:
    """Yield the intact episodes of a staging folder, or those of some ids.

    Raises:
      StagingError: if it is not a staging folder.
      DecodeError: if an episode's bytes are not an episode.
    """
    spec = read_spec(directory)
    for record in tfrecord.scan(staged_bytes(directory)):
        if record.sound and (
            episode_ids is None or episode_id(record.payload) in episode_ids
        ):
            yield decode(record.payload, spec)


def read_spec(directory: str | os.PathLike) -> EpisodeSpec:
    """Return the spec of the episodes of a staging folder.

    Raises:
      StagingError: if it is not a staging folder.
    """
    path = pathlib.Path(directory) / _SPEC_FILE
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        observations = [
            Observation(**o | {"shape": tuple(o["shape"])})
            for o in tree.pop("observations")
        ]
        # Lists in JSON are tuples here.
        for name in ("action_low", "action_high", "action_names"):
            tree[name] = tuple(tree.get(name, ()))
        return EpisodeSpec(tuple(observations), **tree)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StagingError(
            f"{directory} is not a folder of staged episodes ({error})"
        ) from None


def _write_message(path: pathlib.Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full: {path} keeps every episode acknowledged so far; "
            "free some space and rerun the command to resume"
        )
    return f"cannot write {path}: {error.strerror or error}"
