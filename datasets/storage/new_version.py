"""Publishes episodes made from other datasets or files as a dataset's next version."""

import contextlib
import os
import pathlib
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import card, location, publish
from wtl.datasets.storage.shard_lock import ShardLock
from wtl.datasets.storage.staging import StagingWriter

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NewVersion:
    """A version in the making; its episodes are staged until it is published.

    Attributes:
      writer: takes its episodes.
    """

    def __init__(
        self, root: pathlib.Path, name: str, spec: EpisodeSpec, writer: StagingWriter
    ):
        self._root = root
        self._name = name
        self._spec = spec
        self.writer = writer

    def publish(
        self,
        notes: str,
        provenance: Mapping[str, Any],
        license_text: str = card.LICENSE,
    ) -> pathlib.Path:
        """Publishes what is staged, and returns the version's folder.

        Other episodes than before are a new major version, by TFDS's semantics.

        Args:
          notes: what was done, in one sentence.
          provenance: as for `publish.publish`.
          license_text: likewise.

        Raises:
          PublishError: if nothing is staged, or the disk is full.
        """
        staged = self.writer.directory
        self.writer.close()
        versions = location.versions(self._root / self._name)
        number = 1 + max((int(v.name.split(".")[0]) for v in versions), default=0)
        earlier = location.release_notes(versions[-1]) if versions else {}
        return publish.publish(
            staged,
            self._root,
            self._name,
            f"{number}.0.0",
            self._spec,
            provenance,
            release_notes=earlier | {f"{number}.0.0": notes},
            license_text=license_text,
        )


@contextlib.contextmanager
def new_version(
    root: str | os.PathLike, name: str, spec: EpisodeSpec
) -> Iterator[NewVersion]:
    """Makes room for a version that is visible only once it is published.

    Args:
      root: where datasets are published.
      name: name of the dataset.
      spec: what its episodes look like.

    Raises:
      UserError: if the name is not one, or the root cannot be written.
      DatasetLockedError: if somebody else makes a version there.
      StagingError: if the disk is full.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a dataset: lower case, digits and underscores can"
        )
    root = pathlib.Path(root)
    work = root / f".{name}.new"
    with contextlib.ExitStack() as stack:
        try:
            work.mkdir(parents=True, exist_ok=True)
            stack.callback(ShardLock(work / "lock", f"{root / name}").release)
            # What is left of one that was killed is of no use to another.
            shutil.rmtree(work / "staged", ignore_errors=True)
        except OSError as error:
            raise UserError(f"{root} cannot be written ({error.strerror})") from error
        stack.callback(shutil.rmtree, work / "staged", ignore_errors=True)
        writer = stack.enter_context(StagingWriter(work / "staged", spec))
        yield NewVersion(root, name, spec, writer)
