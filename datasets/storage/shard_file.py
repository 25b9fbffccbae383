"""Episodes on their way from a worker, on whatever machine, to who stages them.

A parcel is a file of serialised episodes in a folder that both can reach. It
appears at once and whole; the last record says what the others must be. The same
shard of work gives the same file, so a worker that repeats it replaces the parcel by
itself.
"""

import hashlib
import json
import os
import pathlib
import tempfile
from collections.abc import Sequence

from wtl.datasets.format import tfrecord
from wtl.datasets.storage.files import map_file, sync_directory

PATTERN = "*.parcel"


class ParcelError(RuntimeError):
    """A parcel did not arrive whole."""


def write(folder: str | os.PathLike, name: str, payloads: Sequence[bytes]) -> None:
    """Writes a parcel, durably; one of that name is replaced.

    Args:
      folder: where to; made if it is not there.
      name: of the shard of work.
      payloads: serialised episodes, perhaps none.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    frames = tfrecord.frame(payloads)
    # Workers of several machines may write the same parcel at once.
    file = tempfile.NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False)
    try:
        with file:
            for frame in (*frames, *tfrecord.frame([_content(payloads)])):
                file.write(frame)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, folder / f"{name}.parcel")
    except BaseException:
        pathlib.Path(file.name).unlink(missing_ok=True)
        raise
    sync_directory(folder)


def read(path: pathlib.Path) -> list[memoryview]:
    """Returns the serialised episodes of a parcel.

    Raises:
      ParcelError: if they are not what was written.
    """
    try:
        *payloads, content = tfrecord.frames(map_file(path))
        whole = bytes(content) == _content(payloads)
    except ValueError as error:
        raise ParcelError(f"{path} is damaged ({error})") from None
    if not whole:
        raise ParcelError(f"{path} is damaged: it does not hold what was written")
    return payloads


def _content(payloads: Sequence[bytes | memoryview]) -> bytes:
    """What the last record says of the others."""
    digest = hashlib.sha256()
    for payload in payloads:
        digest.update(payload)
    found = {"episodes": len(payloads), "sha256": digest.hexdigest()}
    return json.dumps(found).encode()
