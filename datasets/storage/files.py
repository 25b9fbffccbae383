"""Durable and memory-mapped files."""

import mmap
import os
import pathlib
import uuid

from wtl.datasets.contract.regular_file import open_regular


def map_file(path: str | os.PathLike) -> memoryview:
    """Map a file's bytes, read-only; the map lives as long as the view."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def sync(path: str | os.PathLike) -> None:
    """Make the contents of a file, or the names in a folder, durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: str | os.PathLike, data: bytes) -> None:
    """Write or replace a file atomically and durably."""
    path = pathlib.Path(path)
    # Processes of several machines may write the same file at once.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)
