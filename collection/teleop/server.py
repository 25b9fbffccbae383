"""The server: a page, a socket for each browser, and the simulation behind them.

One browser drives, the others watch. Browsers are not trusted: the page takes no path
and no file, messages are checked one by one, and nothing that a browser does or leaves
undone reaches the simulation other than as a command in range.
"""

import asyncio
import contextlib
import hmac
import importlib.resources
import logging
import secrets
import signal
import time
import urllib.parse
from http import HTTPStatus
from multiprocessing.connection import Connection

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wtl.collection import vector_environment
from wtl.collection.teleop import messages, simulation
from wtl.collection.teleop.client import Client
from wtl.datasets.contract.errors import UserError
from wtl.datasets.hosting import loopback

_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/devices.js": ("devices.js", "text/javascript; charset=utf-8"),
}
_SOCKET = "/socket"
_MAX_CLIENTS = 16
# What clients do wrong is theirs; it would fill the operator's terminal.
_SILENT = logging.Logger("teleop", logging.CRITICAL)
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class TeleopError(UserError):
    """The session can't go on; what is kept is safe."""


def run(
    assignment: simulation.Assignment,
    host: str = "127.0.0.1",
    port: int = 8765,
    policy: Connection | None = None,
) -> dict:
    """Serves a session until its operator quits.

    Args:
      assignment: what is to be recorded.
      host: address to listen on; others than loopback ask for a token.
      port: 0 takes a free one.
      policy: to the process of a policy that may drive.

    Returns:
      The last status of the session.

    Raises:
      TeleopError: if the address can't be had or the simulation fails.
      KeyboardInterrupt: if the process was asked to end.
    """
    ours, theirs = vector_environment.CONTEXT.Pipe()
    process = vector_environment.CONTEXT.Process(
        target=simulation.simulate, args=(theirs, assignment, policy), daemon=True
    )
    process.start()
    theirs.close()
    try:
        return asyncio.run(_Server(ours, host, port).serve())
    finally:
        ours.close()
        # It ends by itself when nobody listens; an episode being kept is kept whole.
        process.join(timeout=5)
        process.kill()


class _Server:
    def __init__(self, connection: Connection, host: str, port: int):
        self._simulation = connection
        self._host, self._port = host, port
        self._token = "" if loopback.is_loopback(host) else secrets.token_urlsafe(16)
        self._clients: list[Client] = []
        self._driver: Client | None = None
        self._status: dict = {}
        self._picture: bytes | None = None

    async def serve(self) -> dict:
        loop = asyncio.get_running_loop()
        self._began, self._ended = loop.create_future(), loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        loop.add_reader(self._simulation.fileno(), self._hear)
        try:
            # Nobody is let in before there is something to see.
            either = (self._began, self._ended)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                return await self._ended
            async with serve(
                self._converse,
                self._host,
                self._port,
                process_request=self._answer,
                max_size=messages.MAX_BYTES,
                max_queue=16,
                ping_interval=2,
                ping_timeout=10,
                close_timeout=1,
                compression=None,
                server_header=None,
                logger=_SILENT,
            ) as server:
                self._port = server.sockets[0].getsockname()[1]
                print(f"Teleoperation at {self._address()}", flush=True)
                print("Ctrl-C ends it; what is kept is safe.", flush=True)
                return await self._ended
        except OSError as error:
            raise TeleopError(
                f"can't listen on {self._host}, port {self._port} "
                f"({error.strerror or error}); choose another with --port"
            ) from error
        finally:
            loop.remove_reader(self._simulation.fileno())

    def _address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        token = f"?token={self._token}" if self._token else ""
        return f"http://{host}:{self._port}/{token}"

    def _interrupt(self):
        self._end(KeyboardInterrupt())

    def _end(self, how: dict | BaseException):
        if self._ended.done():
            return
        if isinstance(how, BaseException):
            self._ended.set_exception(how)
        else:
            self._ended.set_result(how)

    # --- The simulation.

    def _hear(self):
        try:
            kind, content = self._simulation.recv()
        except (EOFError, OSError):
            self._end(
                TeleopError(
                    "the simulation died (out of memory?); what is kept is safe: run "
                    "the same command again"
                )
            )
            return
        if kind == "picture":
            self._picture = content
            for client in self._clients:
                client.show(content)
        elif kind == "status":
            self._status = content
            if not self._began.done():
                self._began.set_result(None)
            self._tell()
        elif kind == "failed":
            self._end(TeleopError(content))
        else:
            self._status = content | {"ended": True}
            self._tell()
            # So that the page can say so before its socket closes.
            asyncio.get_running_loop().call_later(0.3, self._end, content)

    def _ask(self, method: str, *arguments):
        # A simulation that is gone is noticed in `_hear`.
        with contextlib.suppress(OSError):
            self._simulation.send((method, arguments))

    def _tell(self):
        for client in self._clients:
            client.tell(
                self._status
                | {
                    "driving": client is self._driver,
                    "driven": self._driver is not None,
                    "watching": len(self._clients) - (self._driver is not None),
                    "rtt": round(client.rtt, 3),
                }
            )

    # --- Browsers.

    def _answer(self, connection: ServerConnection, request: Request):
        """Serves the page's files; lets good sockets through by returning None."""
        path, _, query = request.path.partition("?")
        host = _only(request.headers, "Host")
        if not self._token and not loopback.is_loopback(loopback.hostname(host)):
            # A name of somebody else's that was made to point here.
            return _refuse(connection, HTTPStatus.FORBIDDEN, "unknown host")
        if path in ("/", _SOCKET) and not self._knows_token(query):
            return _refuse(
                connection, HTTPStatus.FORBIDDEN, "the address needs its token"
            )
        if path == _SOCKET:
            origin = _only(request.headers, "Origin")
            if origin not in (f"http://{host}", f"https://{host}"):
                return _refuse(connection, HTTPStatus.FORBIDDEN, "unknown origin")
            if len(self._clients) >= _MAX_CLIENTS:
                return _refuse(
                    connection, HTTPStatus.SERVICE_UNAVAILABLE, "too many browsers"
                )
            return None
        if path not in _FILES:
            return _refuse(connection, HTTPStatus.NOT_FOUND, "there is no such page")
        name, kind = _FILES[path]
        body = (importlib.resources.files(__package__) / "page" / name).read_bytes()
        headers = Headers(
            {"Content-Type": kind, "Content-Length": str(len(body))} | _SECURITY
        )
        return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, body)

    def _knows_token(self, query: str) -> bool:
        given = urllib.parse.parse_qs(query).get("token", [""])[0]
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _converse(self, connection: ServerConnection):
        client = Client(connection)
        self._clients.append(client)
        self._ask("audience", len(self._clients))
        if self._driver is None:
            self._driver = client
        if self._picture:
            client.show(self._picture)
        self._tell()
        feeding = asyncio.create_task(client.feed())
        try:
            async for text in connection:
                self._take(client, text)
                if client.is_hostile:
                    await connection.close(1008, "too many messages")
                    return
        except ConnectionClosed:
            pass
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await feeding
            self._clients.remove(client)
            self._leave(client)
            self._ask("audience", len(self._clients))

    def _take(self, client: Client, text: str | bytes):
        if not client.may_speak():
            return
        try:
            said = messages.parse(text)
        except messages.MessageError:
            client.offend()
            return
        if isinstance(said, messages.Do) and said.verb == "claim":
            if self._driver is None:
                self._driver = client
                self._tell()
        elif client is not self._driver:
            return
        elif isinstance(said, messages.Drive):
            self._ask("drive", said.command, time.monotonic(), said.seq, client.rtt)
        elif said.verb == "release":
            self._leave(client)
        else:
            self._ask("do", said.verb, said.value)

    def _leave(self, client: Client):
        if client is self._driver:
            self._driver = None
            self._ask("let_go")
        self._tell()


def _refuse(connection: ServerConnection, status: HTTPStatus, why: str) -> Response:
    response = connection.respond(status, f"{why}\n")
    response.headers.update(_SECURITY)
    return response


def _only(headers: Headers, name: str) -> str:
    """The value of a header that is there once; whatever else is as if it was not."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else ""
