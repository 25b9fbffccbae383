"""Removal of those parts of a run folder that a rerun makes again."""

import pathlib
import shutil
from collections.abc import Iterator

from wtl.pipeline.run_folder import RunFolder


def removable(folder: RunFolder) -> list[pathlib.Path]:
    """Return the folders of a run that nothing but a rerun needs.

    Those are staged episodes, which are published or of another configuration, and the
    states that perception has estimated from images. Episodes of an interrupted stage
    stay, and so do datasets, policies, results, recordings by hand and logs.
    """
    kept = folder.begun.get("key", "")
    staged = _inside(folder.staging)
    return [
        *(path for path in staged if not kept or not path.name.endswith(f"-{kept}")),
        *_inside(folder.path / "perceived"),
    ]


def remove(folder: RunFolder) -> None:
    """Remove these.

    Raises:
      UserError: if another process uses the folder.
    """
    with folder.lock():
        for path in removable(folder):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _inside(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Files and folders of a folder; links stay, as they lead out of the run."""
    if folder.is_dir() and not folder.is_symlink():
        yield from (path for path in sorted(folder.iterdir()) if not path.is_symlink())
