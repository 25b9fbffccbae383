"""Next version of a dataset, made from other datasets or files."""

import contextlib
import os
import pathlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import card, location, publish
from wtl.datasets.storage.shard_lock import DatasetLockedError, ShardLock
from wtl.datasets.storage.staging import StagingError, StagingWriter

_BATCH_BYTES = 32 << 20  # staged with one sync
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NewVersion:
    """A version whose episodes are staged until it is published.

    Attributes:
      writer: writer of its episodes.
    """

    def __init__(self, root: pathlib.Path, name: str, writer: StagingWriter):
        self._root = root
        self._name = name
        self.writer = writer

    def add(self, payloads: Iterable[bytes | memoryview]) -> None:
        """Stage serialised episodes, as `writer.append_encoded`, in batches."""
        batch, size = [], 0
        for payload in payloads:
            batch.append(payload)
            size += len(payload)
            if size >= _BATCH_BYTES:
                self.writer.append_encoded(batch)
                batch, size = [], 0
        self.writer.append_encoded(batch)

    def publish(
        self,
        notes: str,
        provenance: Mapping[str, Any],
        license_text: str = card.LICENSE,
    ) -> pathlib.Path:
        """Publish the staged episodes and return the folder of the version.

        Other episodes than before are a new major version, by TFDS's semantics.

        Args:
          notes: the changes, in one sentence.
          provenance: as for `publish.publish`.
          license_text: likewise.

        Raises:
          PublishError: if nothing is staged, or the disk is full.
        """
        self.writer.close()
        folder = self._root / self._name
        versions = location.versions(folder)
        earlier = location.read_info(versions[-1])["release_notes"] if versions else {}
        number = location.next_major(folder)
        return publish.publish(
            self.writer.directory,
            self._root,
            self._name,
            number,
            self.writer.spec,
            provenance,
            release_notes=earlier | {number: notes},
            license_text=license_text,
        )


@contextlib.contextmanager
def new_version(
    root: str | os.PathLike, name: str, spec: EpisodeSpec
) -> Iterator[NewVersion]:
    """Stage a version of a dataset below `root` that becomes visible when published.

    Raises:
      UserError: if the name is not one, or the root cannot be written.
      DatasetLockedError: if another process makes a version there.
      StagingError: if the disk is full.
    """
    check_name(name)
    root = pathlib.Path(root)
    work = root / f".{name}.new"
    with contextlib.ExitStack() as stack:
        try:
            work.mkdir(parents=True, exist_ok=True)
            discard_left(root)
            stack.enter_context(ShardLock(work / "lock", f"{root / name}"))
        except OSError as error:
            raise UserError(f"{root} cannot be written ({error.strerror})") from error
        stack.callback(shutil.rmtree, work / "staged", ignore_errors=True)
        writer = stack.enter_context(StagingWriter(work / "staged", spec))
        try:
            yield NewVersion(root, name, writer)
        except (StagingError, publish.PublishError) as error:
            if not isinstance(error.__cause__, OSError):
                raise
            # What is staged here is not resumed, as the message would say.
            raise type(error)(
                f"{root / name} has no new version: {error.__cause__.strerror}; free "
                "some space and rerun the command"
            ) from error


def discard_left(root: pathlib.Path):
    """Remove what killed processes have staged below a root; it is not reused."""
    for work in root.glob(".*.new"):
        ignored = contextlib.suppress(DatasetLockedError, OSError)
        with ignored, ShardLock(work / "lock", f"{work}"):
            shutil.rmtree(work / "staged", ignore_errors=True)


def check_name(name: str):
    """Raise UserError unless a text can name a dataset."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a dataset: use lower case, digits and underscores"
        )
