"""Server of the viewer: a page, its data, and a process that renders."""

import asyncio
import contextlib
import os
import signal
import sys

from aiohttp import web

from wtl.collection import local_server
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage.location import DatasetDamagedError
from wtl.datasets.storage.publish import PublishError
from wtl.datasets.storage.shard_lock import DatasetLockedError
from wtl.datasets.storage.staging import StagingError
from wtl.viewer.api import Api, Publisher
from wtl.viewer.library import Library, UnknownEpisodeError
from wtl.viewer.render_process import RenderProcess

_STATUS = {
    UnknownEpisodeError: 404,
    DatasetLockedError: 409,
    UserError: 400,
    DatasetDamagedError: 422,
    StagingError: 507,
    PublishError: 507,
}


def run(path: str | os.PathLike, publisher: Publisher, host: str, port: int) -> Library:
    """Serve the datasets in a folder, see `Library`, until interrupted; return them.

    Port 0 takes a free one.

    Raises:
      UserError: if there is no dataset, or the address is not available.
      DatasetDamagedError, DatasetMismatchError: as for `Library`.
    """
    with contextlib.closing(RenderProcess()) as renderer:
        library = Library(path)
        asyncio.run(_serve(Api(library, renderer, publisher), library, host, port))
    return library


def application(api: Api) -> web.Application:
    """Return the application."""
    return local_server.application(__package__, api.routes, _STATUS)


async def _serve(api: Api, library: Library, host: str, port: int):
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with local_server.listening(application(api), host, port) as address:
        for warning in library.warnings:
            print(f"wtl: not shown: {warning}", file=sys.stderr)
        print(f"{len(library)} episodes at {address}", flush=True)
        print("Ctrl-C ends it; pending edits are kept.", flush=True)
        await ended.wait()
