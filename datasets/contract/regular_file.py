"""Regular files: the only ones that are read of folders of any origin.

Opening a named pipe waits for a writer, a device has no end, and a link may lead to a
private file.
"""

import errno
import os
import pathlib
import stat
from typing import BinaryIO


def fault(path: str | os.PathLike, folder: str | os.PathLike) -> str | None:
    """Return why a path is no regular file inside a folder, as a clause, or None.

    Nothing is opened. Links are followed as long as they stay inside.
    """
    try:
        real = pathlib.Path(path).resolve(strict=True)
        if not real.is_relative_to(pathlib.Path(folder).resolve()):
            return f"is a link that leads out of {folder}; put the file itself there"
        is_regular = stat.S_ISREG(real.stat().st_mode)
    except FileNotFoundError:
        return "is missing"
    except (OSError, RuntimeError, ValueError) as error:  # a link may lead to itself
        return f"cannot be opened ({getattr(error, 'strerror', None) or error})"
    return None if is_regular else "is no regular file"


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Open a regular file for reading; links are followed.

    Raises:
      OSError: if it cannot be opened, or is a pipe, a device or a folder.
    """
    # Devices are not opened at all; a pipe that takes the file's place does not block.
    is_regular = stat.S_ISREG(os.stat(path).st_mode)
    if is_regular:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return os.fdopen(fd, "rb")
        os.close(fd)
    raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
