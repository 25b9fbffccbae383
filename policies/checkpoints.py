"""Folders as TensorFlow can name them, for checkpoints and saved models."""

import functools
import os
import re

_PATTERN = re.compile(r"[*?\[\\]")


def literal(folder: str | os.PathLike) -> str:
    r"""Return a path of a folder in which nothing is a pattern.

    TensorFlow takes a path of a checkpoint or saved model with `*`, `?`, `[` or `\` for
    a pattern, also where it reads, and finds nothing then.
    """
    if not _PATTERN.search(os.fspath(folder)) or not os.path.isdir(folder):
        return os.fspath(folder)
    status = os.stat(folder)
    return _opened(os.path.abspath(folder), status.st_dev, status.st_ino)


@functools.cache
def _opened(folder: str, *_: int) -> str:
    # Stays open: variables may be read later. A folder made anew has another number.
    return f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}"
