"""Upload of published versions to a shared place, and download from there.

A version is a folder with a checksums.json. Both directions write that file last, so
a folder that has one is complete. Remote content is not trusted: names outside the
folder, bytes that differ from their checksums, and descriptions by which TFDS would run
code are refused.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import time
from collections.abc import Iterable

import tqdm

from wtl.datasets.contract import fields, regular_file
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.contract.progress import progress
from wtl.datasets.format import feature_classes
from wtl.datasets.hosting.remote_folder import LEAST_BYTES, RemoteError, RemoteFolder
from wtl.datasets.storage import checksums, location
from wtl.datasets.storage.checksums import FileChecksum
from wtl.datasets.storage.files import sync, write_durably
from wtl.datasets.storage.shard_lock import ShardLock

# Attempts at one file that bring nothing new, and pauses between them in seconds.
_TRIES = 4
_PAUSE_SECONDS = 0.5
# A hash of its weights is the version of a policy.
_POLICY_ID = re.compile(r"[0-9a-f]{16}")


class HostingError(RuntimeError):
    """A version could not be uploaded or fetched."""


@dataclasses.dataclass
class Transfer:
    """Result of an upload or a download.

    Attributes:
      place: address or path of the version.
      files: number of its files without checksums.json.
      moved: number of files that were transferred.
      bytes: number of bytes that were transferred.
    """

    place: str
    files: int
    moved: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        moved = f"moved {self.moved} of {self.files} files, {self.bytes} bytes"
        return f"{self.place}: {moved}"


def upload(
    folder: str | os.PathLike, destination: str, name: str, version: str
) -> Transfer:
    """Upload a version to `<destination>/<name>/<version>/`.

    Intact files at the destination are skipped.

    Args:
      folder: the version, with its checksums.json.
      destination: a folder, or an address that fsspec can write to.
      name: name of the dataset or policy.
      version: number of the version.

    Raises:
      DatasetDamagedError: if the folder is not what its checksums.json says.
      HostingError: if the destination has another content under this version.
      RemoteError: if the destination cannot be written.
    """
    folder = pathlib.Path(folder)
    promised = checksums.read(folder)
    for file in (name, version):
        if not checksums.is_safe(file):
            raise HostingError(f"{file!r} cannot be part of an address")
    target = RemoteFolder(f"{destination.rstrip('/')}/{name}/{version}")
    if target.is_web:
        raise HostingError(
            f"{destination} cannot be written over HTTP; publish to the folder or "
            "object store that the web server shows"
        )
    _check_destination(target, promised)
    done = Transfer(target.address, len(promised))
    with _bar(promised, "publish") as bar:
        for file, expected in promised.items():
            if reason := regular_file.fault(folder / file, folder):
                raise DatasetDamagedError(f"{folder / file} {reason}")
            # Files already at the destination are checked too.
            if checksums.checksum(folder / file) != expected:
                raise DatasetDamagedError(
                    f"{folder / file} does not fit its checksum; nothing is published "
                    f"(see `wtl verify {folder}`)"
                )
            if target.checksum(file, expected.size) != expected:
                target.put(file, folder / file)
                done.moved += 1
                done.bytes += expected.size
            bar.update(expected.size)
    target.put(fields.CHECKSUMS_FILE, folder / fields.CHECKSUMS_FILE)
    return done


def fetch(source: str, root: str | os.PathLike, redirects: bool = False) -> Transfer:
    """Download a version to `<root>/<name>/<version>/`.

    Only missing or damaged files are transferred. A partial file is continued if the
    server supports ranges.

    Args:
      source: address of the version's folder, `…/<name>/<version>`.
      root: where datasets are published on this machine.
      redirects: whether a web server may redirect to other hosts.

    Raises:
      HostingError: if there is no version at the address, it is damaged or larger than
        the free space, or another content has its name on this machine.
      UserError: if TFDS would run code of it.
      RemoteError: if the connection fails again and again; what arrived is kept.
      DatasetLockedError: if another process fetches the same.
    """
    remote = RemoteFolder(source, redirects)
    name, version = remote.names[-2:] if len(remote.names) > 1 else ("", "")
    is_version = location.version_key(version) or _POLICY_ID.fullmatch(version)
    if not (checksums.is_safe(name) and is_version):
        raise HostingError(
            f"{source} does not end in NAME/VERSION, as in BASE/wtl_demos/1.0.0 or "
            "BASE/policies/wtl/0123456789abcdef"
        )
    manifest = _read_manifest(remote)
    if manifest is None:
        raise HostingError(
            f"no published version at {source}: give the folder of a version that "
            f"holds {fields.CHECKSUMS_FILE}, as BASE/wtl_demos/1.0.0"
        )
    try:
        promised = checksums.parse(manifest, f"{source}/{fields.CHECKSUMS_FILE}")
    except DatasetDamagedError as error:
        raise HostingError(str(error)) from None
    for path in map(pathlib.PurePosixPath, promised):
        is_model = path.name.lower().startswith("saved_model.pb")
        if is_model and os.fspath(path.parent) != "saved_model":
            raise HostingError(f"{source} has a policy in its {path.parent}/; refused")
    target = pathlib.Path(root) / name / version
    target.parent.mkdir(parents=True, exist_ok=True)
    with ShardLock(target.with_name(f".{version}.lock"), f"{target}"):
        return _Download(remote, target, manifest, promised).run()


def _check_destination(target: RemoteFolder, promised: dict[str, FileChecksum]) -> None:
    """Check that the destination has no other content of the version."""
    there = _read_manifest(target)
    if there is not None:
        # One that cannot be read was cut off: it vouches for nothing.
        with contextlib.suppress(DatasetDamagedError):
            if checksums.parse(there, target.address) != promised:
                raise HostingError(
                    f"{target.address} holds another content, and published versions "
                    "do not change; publish under another version or at another place"
                )
    extra = sorted(target.files() - set(promised) - {fields.CHECKSUMS_FILE})
    if extra:
        raise HostingError(
            f"{target.address} holds {extra[0]}, which is not of this version; remove "
            "it or publish at another place"
        )


def _read_manifest(remote: RemoteFolder) -> bytes | None:
    return remote.read(fields.CHECKSUMS_FILE, checksums.MAX_BYTES)


def _bar(promised: dict[str, FileChecksum], what: str) -> tqdm.tqdm:
    total = sum(expected.size for expected in promised.values())
    return progress(
        desc=what, total=total, unit="B", unit_scale=True, leave=False, disable=None
    )


class _Download:
    """Download of one version."""

    def __init__(
        self,
        remote: RemoteFolder,
        target: pathlib.Path,
        manifest: bytes,
        promised: dict[str, FileChecksum],
    ):
        self._remote = remote
        self._target = target
        self._manifest = manifest
        self._promised = promised
        # What arrives lies here until it is whole.
        self._partial = target.with_name(f".{target.name}.partial")
        self._done = Transfer(os.fspath(target), len(promised))

    def run(self) -> Transfer:
        self._check_target()
        self._partial.mkdir(exist_ok=True)
        missing, absent = [], []
        with _bar(self._promised, "fetch") as bar:
            for file, expected in self._promised.items():
                if not _is_sound(self._target / file, expected):
                    missing.append(file)
                    if not _is_sound(self._partial / file, expected):
                        absent.append(file)
                        continue
                bar.update(expected.size)
            self._require_space(absent)
            for file in absent:
                self._get(file, self._promised[file], bar)
                self._done.moved += 1
        self._put_in_place(missing)
        return self._done

    def _require_space(self, files: Iterable[str]) -> None:
        sizes = ((self._promised[f].size, _size(self._part(f))) for f in files)
        needed = sum(max(0, size - there) for size, there in sizes)
        free = shutil.disk_usage(self._partial).free
        if needed > free:
            raise HostingError(
                f"{self._remote.address} needs {needed / 1e9:.3g} GB, but "
                f"{self._target.parent} has {free / 1e9:.3g} GB; nothing was fetched"
            )

    def _part(self, file: str) -> pathlib.Path:
        # No promised name begins with a dot, so nothing else is called this.
        path = self._partial / file
        return path.with_name(f".{path.name}.part")

    def _check_target(self) -> None:
        _require_regular((self._target, self._partial))
        with contextlib.suppress(DatasetDamagedError):
            if checksums.read(self._target) != self._promised:
                raise HostingError(
                    f"{self._target} holds another content than {self._remote.address}"
                    "; fetch into another folder, or remove that one"
                )

    def _get(self, file: str, expected: FileChecksum, bar: tqdm.tqdm) -> None:
        """Download a file into the partial folder, continuing a partial one."""
        path = self._partial / file
        path.parent.mkdir(parents=True, exist_ok=True)
        part = self._part(file)
        start = bar.n
        failures = 0
        while True:
            before = _size(part)
            try:
                whole = self._continue(file, part, expected, bar)
                fault = f"{self._remote.address}/{file} breaks off"
            except FileNotFoundError:
                raise HostingError(
                    f"{self._remote.address}/{file} is missing there; ask its owner "
                    "to publish it again"
                ) from None
            except RemoteError as error:
                whole, fault = False, str(error)
            if whole and checksums.checksum(part) == expected:
                break
            if whole:
                # A part of something else may have been continued: once more, whole.
                part.unlink()
                if not before:
                    raise HostingError(
                        f"{self._remote.address}/{file} does not fit its checksum; "
                        "what else was fetched is kept. Ask its owner to publish it "
                        "again"
                    )
                continue
            failures = 0 if _size(part) - before >= LEAST_BYTES else failures + 1
            if failures == _TRIES:
                raise RemoteError(
                    f"{fault}; what was fetched is kept, rerun the command to resume"
                )
            time.sleep(_PAUSE_SECONDS * failures)
        if path.name == fields.FEATURES_FILE:
            feature_classes.check(part)
        os.replace(part, path)
        bar.update(start + expected.size - bar.n)

    def _continue(
        self, file: str, part: pathlib.Path, expected: FileChecksum, bar: tqdm.tqdm
    ) -> bool:
        """Append to a partial file; return whether it now has its full size."""
        offset = _size(part)
        if offset < expected.size or not expected.size:
            with self._remote.open(file, offset, expected.size) as (source, start):
                with open(part, "ab") as sink:
                    sink.truncate(start)
                    for chunk in self._remote.chunks(file, source):
                        sink.write(chunk)
                        # At once: what arrived must not be lost to a kill.
                        sink.flush()
                        self._done.bytes += len(chunk)
                        bar.update(len(chunk))
                        # A server that gives more than was promised is not heard out.
                        if sink.tell() > expected.size:
                            break
                    os.fsync(sink.fileno())
        return _size(part) >= expected.size

    def _put_in_place(self, missing: Iterable[str]) -> None:
        """Move fetched files to the target, checksums.json last."""
        if not self._target.exists():
            write_durably(self._partial / fields.CHECKSUMS_FILE, self._manifest)
            _sync_folders(self._partial)
            os.rename(self._partial, self._target)
        else:
            for file in missing:
                (self._target / file).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._partial / file, self._target / file)
            _sync_folders(self._target)
            write_durably(self._target / fields.CHECKSUMS_FILE, self._manifest)
            shutil.rmtree(self._partial)
        sync(self._target.parent)


def _require_regular(folders: Iterable[pathlib.Path]) -> None:
    for folder in filter(os.path.lexists, folders):
        for path in (folder, *folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise HostingError(
                    f"{path} is a link, a pipe or a device; remove it, or fetch "
                    "elsewhere"
                )


def _is_sound(path: pathlib.Path, expected: FileChecksum) -> bool:
    fits = path.is_file() and _size(path) == expected.size
    return fits and checksums.checksum(path) == expected


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sync_folders(folder: pathlib.Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync(path)
