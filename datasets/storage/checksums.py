"""checksums.json: size and hash of every file of a published dataset."""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterable, Mapping

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.contract.regular_file import open_regular
from wtl.datasets.storage.files import sync, write_durably

_CHUNK_BYTES = 1 << 20
# Room for half a million shards.
MAX_BYTES = 64 << 20
_NAME_LENGTH = 1024
_DEPTH = 16  # folders in folders
_SHARD_MARK = ".tfrecord-"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]{0,254}")


@dataclasses.dataclass(frozen=True)
class FileChecksum:
    """Size and hash of one file.

    Attributes:
      sha256: digest of its bytes, in hexadecimal.
      size: number of its bytes.
    """

    sha256: str
    size: int


def checksum(path: str | os.PathLike) -> FileChecksum:
    """Read a file and return its checksum."""
    with open_regular(path) as file:
        return checksum_of(iter(lambda: file.read(_CHUNK_BYTES), b""))


def checksum_of(chunks: Iterable[bytes]) -> FileChecksum:
    """Return the checksum of consecutive bytes."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return FileChecksum(digest.hexdigest(), size)


def is_safe(name: str) -> bool:
    """Return whether a name is a single, plain path component."""
    return _SAFE.fullmatch(name) is not None


def is_shard(name: str) -> bool:
    """Return whether a file name is that of a shard of episodes."""
    return _SHARD_MARK in name


def content_fingerprint(files: Mapping[str, FileChecksum]) -> str:
    """Return a hash of the episodes and their schema.

    The card and the provenance are left out: two runs with the same episodes have the
    same fingerprint. Without episodes, as in a policy, all files are included.
    """
    chosen = [n for n in files if is_shard(n) or n == fields.FEATURES_FILE] or files
    lines = [f"{name} {files[name].sha256}\n" for name in sorted(chosen)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def render(files: Mapping[str, FileChecksum]) -> bytes:
    """Return the text of checksums.json for these files."""
    tree = {
        "fingerprint": content_fingerprint(files),
        "files": {
            name: {"sha256": files[name].sha256, "bytes": files[name].size}
            for name in sorted(files)
        },
    }
    return (json.dumps(tree, indent=2) + "\n").encode()


def seal(
    folder: str | os.PathLike, known: Mapping[str, FileChecksum] | None = None
) -> None:
    """Write checksums.json for all files of a folder and its subfolders, durably.

    Those in `known` are synced already and not read.
    """
    folder = pathlib.Path(folder)
    files = dict(known or {})
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in files:
            sync(path)
            files[name] = checksum(path)
    write_durably(folder / fields.CHECKSUMS_FILE, render(files))


def read(dataset_dir: str | os.PathLike) -> dict[str, FileChecksum]:
    """Read checksums.json.

    Raises:
      DatasetDamagedError: if it is missing or altered.
    """
    path = pathlib.Path(dataset_dir) / fields.CHECKSUMS_FILE
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DatasetDamagedError(
            f"{path} cannot be read ({type(error).__name__}: {error})"
        ) from None
    return parse(data, os.fspath(path))


def parse(data: bytes, where: str) -> dict[str, FileChecksum]:
    """Parse the text of an untrusted checksums.json, of some origin.

    Raises:
      DatasetDamagedError: if they differ from the form of `render`, or name files
        outside the dataset.
    """
    if len(data) > MAX_BYTES:
        raise DatasetDamagedError(f"{where} has more than {MAX_BYTES} bytes")
    try:
        files = {
            str(name): FileChecksum(str(entry["sha256"]), int(entry["bytes"]))
            for name, entry in json.loads(data)["files"].items()
        }
        whole = render(files) == data
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise DatasetDamagedError(
            f"{where} cannot be read ({type(error).__name__}: {error})"
        ) from None
    if not whole:
        raise DatasetDamagedError(f"{where} has been altered")
    for name, entry in files.items():
        parts = name.split("/")
        if (
            len(name) > _NAME_LENGTH
            or len(parts) > _DEPTH
            or not all(is_safe(part) for part in parts)
            or name == fields.CHECKSUMS_FILE
            or any("/".join(parts[:end]) in files for end in range(1, len(parts)))
        ):
            raise DatasetDamagedError(f"{where} names {name!r}, which is no file of it")
        if not 0 <= entry.size < 1 << 62 or not _SHA256.fullmatch(entry.sha256):
            raise DatasetDamagedError(f"{where} gives {name} no checksum")
    return files


def fingerprint(dataset_dir: str | os.PathLike) -> str:
    """Return the content fingerprint of a published dataset.

    Raises:
      DatasetDamagedError: if checksums.json is missing or altered.
    """
    return content_fingerprint(read(dataset_dir))
