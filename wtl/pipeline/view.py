"""Viewer of datasets, whose edits are published beside them."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from wtl.datasets.curation.curation import Curated
from wtl.datasets.curation.edits import PendingEdits
from wtl.pipeline import run_folder
from wtl.viewer import server


def view(path: str | os.PathLike, host: str, port: int) -> int:
    """Serve a page on datasets until interrupted.

    Args:
      path: a version, a dataset, or a folder of datasets as that of a run.
      host: address to listen on.
      port: 0 takes a free one.

    Returns:
      The number of episodes with unpublished edits.

    Raises:
      UserError, DatasetDamagedError, DatasetMismatchError: see `server.run`.
    """
    library = server.run(path, _publish, host, port)
    return sum(len(index.pending) for index in library.indices.values())


def _publish(pending: PendingEdits) -> Curated:
    with _claimed(pending.root.parent):
        return pending.publish(run_folder.origin())


@contextlib.contextmanager
def _claimed(folder: pathlib.Path) -> Iterator[None]:
    """Lock a run folder, so that its stages meet no new version on the way."""
    if not (folder / ".lock").exists():
        yield
        return
    with run_folder.RunFolder(folder).lock():
        yield
