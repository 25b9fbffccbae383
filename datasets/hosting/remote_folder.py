"""Folder on a web server, in an object store or on this machine.

Its content is not trusted, and any read may fail half-way.
"""

import asyncio
import contextlib
import os
import pathlib
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from wtl.datasets.contract import regular_file
from wtl.datasets.storage.checksums import FileChecksum, checksum_of
from wtl.datasets.storage.files import sync

_CHUNK_BYTES = 1 << 20
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONNECT_SECONDS, _SILENT_SECONDS = 30, 60
# A server that gives fewer in that time has stalled.
LEAST_BYTES = 64 << 10
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_Result = TypeVar("_Result")


class RemoteError(RuntimeError):
    """A remote folder could not be read or written."""


class RemoteFolder:
    """Files below one address.

    Attributes:
      address: as the user gave it.
      is_web: whether the folder is on a web server and thus read-only.
      names: parts of its path.
    """

    def __init__(self, address: str, redirects: bool = False):
        """Prepare access; nothing is looked up yet.

        Args:
          address: see `Attributes`.
          redirects: whether a web server may redirect to other hosts.

        Raises:
          RemoteError: if it is of a kind that is not known, or not installed here.
        """
        scheme = found[0].lower() if (found := _SCHEME.match(address)) else ""
        self.address = (scheme + address[len(scheme) :]).rstrip("/")
        options: dict[str, Any] = {}
        self.is_web = scheme in ("http://", "https://")
        if self.is_web:
            try:
                urllib.parse.urlsplit(address).port  # noqa: B018
            except ValueError as error:
                raise RemoteError(f"{address} is no address: {error}") from None
            import aiohttp

            # A long download is no fault, a silent server is.
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS
            )
            options["client_kwargs"] = {
                "timeout": timeout,
                "trust_env": True,  # HTTP_PROXY, HTTPS_PROXY, NO_PROXY
                "auto_decompress": False,  # a few bytes may inflate to very many
                "middlewares": (_answered,) if redirects else (_answered, _same_host),
            }
        try:
            if scheme in ("", "file://") or self.is_web:
                # Not by `url_to_fs`, which takes `::` for the joint of two addresses.
                kind = fsspec.get_filesystem_class(scheme[:-3] or "file")
                self._fs = kind(use_listings_cache=False, **options)
                self._path = kind._strip_protocol(self.address)
            else:
                self._fs, self._path = fsspec.core.url_to_fs(
                    self.address, use_listings_cache=False
                )
        except (ImportError, ValueError) as error:
            raise RemoteError(
                f"{address} cannot be used: {error} (object stores need an extra, "
                "as `pip install 'wtl[s3]'`)"
            ) from error
        self._is_local = isinstance(self._fs, LocalFileSystem)
        self.names = tuple(self._path.rstrip("/").split("/"))

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the content of a small file; None if there is no such file.

        Raises:
          RemoteError: if it has more bytes than `limit`, or cannot be read.
        """
        data = bytearray()
        try:
            with self.open(name, 0, 0) as (file, _):
                for chunk in self.chunks(name, file):
                    data += chunk
                    if len(data) > limit:
                        raise RemoteError(
                            f"{self.address}/{name} has more than {limit} bytes"
                        )
        except FileNotFoundError:
            return None
        return bytes(data)

    @contextlib.contextmanager
    def open(self, name: str, offset: int, size: int) -> Iterator[tuple[BinaryIO, int]]:
        """Open a file of `size` bytes, 0 if unknown, for reading from `offset` on.

        Yields:
          The open file and its position, which is 0 if a web server supports no
          ranges.

        Raises:
          FileNotFoundError: if it is not there.
          RemoteError: if it cannot be opened.
        """
        path = f"{self._path}/{name}"
        if self.is_web:
            headers = {"Accept-Encoding": "identity"}
            if offset:
                headers["Range"] = f"bytes={offset}-"
            # One request gives all the rest; a size spares asking for it.
            options = {"block_size": 0, "size": size or 1, "headers": headers}
            file = self._attempt(name, self._fs.open, path, **options)
            start = offset if file.r.status == 206 else 0
        else:
            self._require_regular(path)
            file = self._attempt(name, self._fs.open, path, "rb", cache_type="none")
            start = offset
            file.seek(offset)
        with file:
            yield file, start

    def chunks(self, name: str, file: BinaryIO) -> Iterator[bytes]:
        """Yield the rest of a file opened with `open`.

        Raises:
          RemoteError: if it breaks off or stalls.
        """
        since, arrived = time.monotonic(), 0
        while chunk := self._attempt(name, file.read, _CHUNK_BYTES):
            arrived += len(chunk)
            if arrived >= LEAST_BYTES:
                since, arrived = time.monotonic(), 0
            elif time.monotonic() - since > _SILENT_SECONDS:
                raise RemoteError(
                    f"{self.address}/{name} stalls: {arrived} bytes came within "
                    f"{_SILENT_SECONDS} s"
                )
            yield chunk

    def checksum(self, name: str, size: int) -> FileChecksum | None:
        """Return the checksum of a file; None if it is absent or of another size."""
        path = f"{self._path}/{name}"
        try:
            if self._attempt(name, self._fs.size, path) != size:
                return None
            with self.open(name, 0, size) as (file, _):
                return checksum_of(self.chunks(name, file))
        except FileNotFoundError:
            return None

    def files(self) -> set[str]:
        """Return the names of all files, relative to this folder."""
        self._fs.invalidate_cache()
        try:
            found = self._attempt("", self._fs.find, self._path)
        except FileNotFoundError:
            return set()
        return {path.removeprefix(self._path).lstrip("/") for path in found}

    def put(self, name: str, source: pathlib.Path) -> None:
        """Upload a local file.

        Raises:
          RemoteError: if that fails.
        """
        path = f"{self._path}/{name}"
        parent = path.rpartition("/")[0]
        self._require_regular(path)
        if self._is_local:
            # Object stores have no folders; making one there can make a bucket.
            self._attempt(name, self._fs.makedirs, parent, exist_ok=True)
        try:
            self._attempt(name, self._fs.put_file, os.fspath(source), path)
        except FileNotFoundError as error:
            raise RemoteError(f"{path} cannot be written: no such bucket") from error
        if self._is_local:
            # What the sentinel vouches for must not be lost with the power.
            sync(path)
            sync(parent)

    def _require_regular(self, path: str) -> None:
        """Refuse links that lead out, pipes and devices of this machine."""
        if self._is_local and os.path.lexists(path):
            if reason := regular_file.fault(path, self._path):
                raise RemoteError(f"{path} {reason}")

    def _attempt(
        self, name: str, call: Callable[..., _Result], *args, **kwargs
    ) -> _Result:
        """Call a library and turn any of its errors into `RemoteError`."""
        try:
            return call(*args, **kwargs)
        except FileNotFoundError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            # Some have no message.
            if type(error).__name__ == "TooManyRedirects":
                reason = "it redirects without end"
            elif isinstance(error, TimeoutError):
                reason = f"nothing came for {_SILENT_SECONDS} s"
            raise RemoteError(f"{self.address}/{name}: {reason}") from error


async def _answered(request, handler):
    """Send a request; the headers of the answer must arrive in time."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS + _SILENT_SECONDS):
            return await handler(request)
    except TimeoutError:
        raise RemoteError("there is no answer") from None


async def _same_host(request, handler):
    """Send a request; refuse an answer that redirects it to another server."""
    response = await handler(request)
    if response.status in _REDIRECTS and (to := response.headers.get("Location")):
        target = urllib.parse.urljoin(str(request.url), to)
        if not _stays(str(request.url), target):
            response.close()
            raise RemoteError(
                f"it redirects to {target}, another server; if you trust that too, "
                "repeat the command with --redirects"
            )
    return response


def _stays(before: str, after: str) -> bool:
    """Return whether an address is of the server of another, or of that over TLS."""
    try:
        (old, old_port), (new, new_port) = (
            (url, url.port or _PORTS[url.scheme])
            for url in map(urllib.parse.urlsplit, (before, after))
        )
    except (KeyError, ValueError):
        return False
    return old.hostname == new.hostname and (
        (new.scheme, new_port) in ((old.scheme, old_port), ("https", _PORTS["https"]))
    )
