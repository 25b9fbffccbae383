"""The server: a page, its data, and a process that renders."""

import asyncio
import importlib.resources
import os
import secrets
import signal
import sys

from aiohttp import web

from wtl.datasets.contract.errors import UserError
from wtl.datasets.hosting.loopback import is_loopback
from wtl.datasets.storage.location import DatasetDamagedError
from wtl.datasets.storage.publish import PublishError
from wtl.datasets.storage.shard_lock import DatasetLockedError
from wtl.datasets.storage.staging import StagingError
from wtl.viewer.api import Api, Publisher
from wtl.viewer.guard import Guard, Handler, secure
from wtl.viewer.library import Library, UnknownEpisodeError
from wtl.viewer.rendering import Studio

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {
    "/": "page.html",
    **{
        f"/{name}": name
        for name in (
            "page.css",
            "page.js",
            "browser.js",
            "curves.js",
            "panels.js",
            "player.js",
            "server.js",
        )
    },
}
_MAX_BODY = 4 << 20  # bytes
_STATUS = {
    UnknownEpisodeError: 404,
    DatasetLockedError: 409,
    UserError: 400,
    DatasetDamagedError: 422,
    StagingError: 507,
    PublishError: 507,
}


def run(path: str | os.PathLike, publisher: Publisher, host: str, port: int) -> Library:
    """Serves what is in a folder until it is interrupted.

    Args:
      path: see `Library`.
      publisher: publishes edits as a new version.
      host: address to listen on; others than loopback ask for a token.
      port: 0 takes a free one.

    Returns:
      What was looked at.

    Raises:
      UserError: if there is nothing to look at, or the address can't be had.
      DatasetDamagedError, DatasetMismatchError: as for `Library`.
    """
    studio = Studio()
    try:
        library = Library(path)
        asyncio.run(_serve(library, studio, publisher, host, port))
    finally:
        studio.close()
    return library


def application(api: Api, token: str = "") -> web.Application:
    """What the server answers.

    Args:
      api: answers about the data.
      token: see `Guard`.
    """
    app = web.Application(
        middlewares=[_errors, Guard(token).__call__], client_max_size=_MAX_BODY
    )
    app.on_response_prepare.append(secure)
    app.add_routes(api.routes)
    app.add_routes([web.get(path, _file) for path in _FILES])
    return app


async def _serve(
    library: Library, studio: Studio, publisher: Publisher, host: str, port: int
):
    token = "" if is_loopback(host) else secrets.token_urlsafe(16)
    runner = web.AppRunner(
        application(Api(library, studio, publisher), token), access_log=None
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise UserError(
                f"can't listen on {host}, port {port} ({error.strerror or error}); "
                "choose another with --port"
            ) from error
        named = f"[{host}]" if ":" in host else host
        port = runner.addresses[0][1]
        query = f"?token={token}" if token else ""
        for warning in library.warnings:
            print(f"wtl: not shown: {warning}", file=sys.stderr)
        print(f"{len(library)} episodes at http://{named}:{port}/{query}", flush=True)
        print("Ctrl-C ends it; edits that are pending are kept.", flush=True)
        await ended.wait()
    finally:
        await runner.cleanup()


async def _file(request: web.Request) -> web.Response:
    name = _FILES[request.path]
    kind = _KINDS[os.path.splitext(name)[1]]
    body = (importlib.resources.files(__package__) / "page" / name).read_bytes()
    return web.Response(body=body, content_type=kind, charset="utf-8")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Says what is wrong in one line, as JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        status, text = error.status, error.text or error.reason
    except tuple(_STATUS) as error:
        kinds = (kind for kind in _STATUS if isinstance(error, kind))
        status, text = _STATUS[next(kinds)], " ".join(str(error).split())
    except Exception as error:  # the last resort: the page says it, and the terminal
        status, text = 500, f"{type(error).__name__}: {error}"
        print(f"wtl: {request.path}: {text}", file=sys.stderr)
    return web.json_response({"error": text}, status=status)
