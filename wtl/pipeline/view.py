"""What `wtl view` shows, and where the edits that are made there go."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from wtl.datasets.curation.curation import Curated
from wtl.datasets.curation.edits import PendingEdits
from wtl.pipeline import run_folder
from wtl.viewer import server


def view(path: str | os.PathLike, host: str, port: int) -> int:
    """Serves a page on datasets until it is interrupted.

    Args:
      path: a version, a dataset, or a folder of datasets as that of a run.
      host: address to listen on.
      port: 0 takes a free one.

    Returns:
      How many episodes have edits that are not published.

    Raises:
      Others: as `server.run`.
    """
    library = server.run(path, _publish, host, port)
    return sum(len(index.pending) for index in library.indices.values())


def _publish(pending: PendingEdits) -> Curated:
    with _claimed(pending.root.parent):
        return pending.publish(run_folder.origin())


@contextlib.contextmanager
def _claimed(folder: pathlib.Path) -> Iterator[None]:
    """Claims a run folder, whose stages must not find another version on the way."""
    if not (folder / ".lock").exists():
        yield
        return
    with run_folder.RunFolder(folder).lock():
        yield
