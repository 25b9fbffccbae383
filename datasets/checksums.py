"""checksums.json: what every file of a published dataset must contain."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping

from datasets import fields
from datasets.location import DatasetDamagedError

_CHUNK_BYTES = 1 << 20
_SHARD_MARK = ".tfrecord-"


@dataclasses.dataclass(frozen=True)
class FileChecksum:
    """What one file must contain.

    Attributes:
      sha256: digest of its bytes, in hexadecimal.
      size: number of its bytes.
    """

    sha256: str
    size: int


def checksum(path: str | os.PathLike) -> FileChecksum:
    """Reads a file and returns its checksum."""
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileChecksum(digest.hexdigest(), size)


def is_shard(name: str) -> bool:
    """Whether a file name is that of a shard of episodes."""
    return _SHARD_MARK in name


def content_fingerprint(files: Mapping[str, FileChecksum]) -> str:
    """Hash of the episodes and their schema.

    The card, the provenance and the like do not enter: two runs that give the
    same episodes give the same fingerprint, whenever and wherever they ran.
    """
    lines = [
        f"{name} {files[name].sha256}\n"
        for name in sorted(files)
        if is_shard(name) or name == fields.FEATURES_FILE
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def render(files: Mapping[str, FileChecksum]) -> bytes:
    """The one text that checksums.json can have for these files."""
    tree = {
        "fingerprint": content_fingerprint(files),
        "files": {
            name: {"sha256": files[name].sha256, "bytes": files[name].size}
            for name in sorted(files)
        },
    }
    return (json.dumps(tree, indent=2) + "\n").encode()


def read(dataset_dir: str | os.PathLike) -> dict[str, FileChecksum]:
    """Reads checksums.json.

    Raises:
      DatasetDamagedError: if it is missing, or not exactly what was written.
    """
    path = pathlib.Path(dataset_dir) / fields.CHECKSUMS_FILE
    try:
        data = path.read_bytes()
        files = {
            str(name): FileChecksum(str(entry["sha256"]), int(entry["bytes"]))
            for name, entry in json.loads(data)["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetDamagedError(
            f"{path} cannot be read ({type(error).__name__}: {error})"
        ) from None
    if render(files) != data:
        raise DatasetDamagedError(f"{path} has been altered")
    return files


def fingerprint(dataset_dir: str | os.PathLike) -> str:
    """Fingerprint of a published dataset's content, from its checksums.json.

    Raises:
      DatasetDamagedError: if checksums.json is missing or altered.
    """
    return content_fingerprint(read(dataset_dir))
