"""Shard files: transfer of episodes from a worker on any machine to the stager.

A shard file holds the serialised episodes of one shard of work, in a shared folder. It
appears atomically, and its last record is a checksum of the others. The same shard of
work gives the same file, so a repeated worker replaces it by an identical one.
"""

import hashlib
import json
import os
import pathlib
from collections.abc import Sequence

from wtl.datasets.format import tfrecord
from wtl.datasets.storage.files import map_file, write_durably

PATTERN = "*.shard"
_FAULTS = "*.fault"


class ShardFileError(RuntimeError):
    """A shard file is damaged."""


def write(folder: str | os.PathLike, name: str, payloads: Sequence[bytes]) -> None:
    """Write or replace the file of a shard of work, durably; make its folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    records = map(tfrecord.frame, (*payloads, _content(payloads)))
    write_durably(folder / f"{name}.shard", b"".join(records))


def read(path: pathlib.Path) -> list[memoryview]:
    """Return the serialised episodes of a shard file.

    Raises:
      ShardFileError: if the file is damaged.
    """
    try:
        *payloads, content = (r.payload for r in tfrecord.read(map_file(path)))
        whole = bytes(content) == _content(payloads)
    except ValueError as error:
        raise ShardFileError(f"{path} is damaged ({error})") from None
    if not whole:
        raise ShardFileError(f"{path} is damaged: its checksum differs")
    return payloads


def write_fault(folder: str | os.PathLike, name: str, message: str) -> None:
    """Write why a shard of work has no file; make the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / f"{name}{_FAULTS[1:]}", message.encode())


def take_faults(folder: pathlib.Path) -> list[str]:
    """Return what `write_fault` has left in a folder, and remove it."""
    paths = sorted(folder.glob(_FAULTS))
    messages = [path.read_text() for path in paths]
    for path in paths:
        path.unlink()
    return messages


def _content(payloads: Sequence[bytes | memoryview]) -> bytes:
    """Return the last record: a checksum of the others."""
    digest = hashlib.sha256()
    for payload in payloads:
        digest.update(payload)
    found = {"episodes": len(payloads), "sha256": digest.hexdigest()}
    return json.dumps(found).encode()
