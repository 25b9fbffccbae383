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

    Browsers at a host other than loopback need a token; port 0 takes a free one.

    Raises:
      UserError: if there is no dataset, or the address is not available.
      DatasetDamagedError, DatasetMismatchError: as for `Library`.
    """
    with contextlib.closing(RenderProcess()) as renderer:
        library = Library(path)
        asyncio.run(_serve(Api(library, renderer, publisher), library, host, port))
    return library


def application(api: Api, token: str = "") -> web.Application:
    """Return the application; for the token see `local_server.Guard`."""
    guard = local_server.Guard(token, "wtl_view", "/api/")
    app = local_server.application(guard, __package__, [_errors])
    app.add_routes(api.routes)
    return app


async def _serve(api: Api, library: Library, host: str, port: int):
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    token = local_server.token_for(host)
    app = application(api, token)
    async with local_server.listening(app, host, port, token) as address:
        for warning in library.warnings:
            print(f"wtl: not shown: {warning}", file=sys.stderr)
        print(f"{len(library)} episodes at {address}", flush=True)
        print("Ctrl-C ends it; pending edits are kept.", flush=True)
        await ended.wait()


@web.middleware
async def _errors(
    request: web.Request, handler: local_server.Handler
) -> web.StreamResponse:
    """Answer errors in one line, as JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        status, text = error.status, error.text or error.reason
    except tuple(_STATUS) as error:
        found = (status for kind, status in _STATUS.items() if isinstance(error, kind))
        status, text = next(found), " ".join(str(error).split())
    except Exception as error:  # unforeseen ones: in the page and in the terminal
        status, text = 500, f"{type(error).__name__}: {error}"
        print(f"wtl: {request.path}: {text}", file=sys.stderr)
    return web.json_response({"error": text}, status=status)
