"""Server of teleoperation: a page, a socket for each browser, and the simulation.

One browser operates, the others watch. Browsers are not trusted: paths are fixed,
messages are checked one by one, and nothing that a browser does or leaves undone
reaches the simulation other than as a command in range.
"""

import asyncio
import contextlib
import signal
import time
from multiprocessing.connection import Connection

from aiohttp import web

from wtl.collection import local_server, worker
from wtl.collection.teleop import messages, simulation
from wtl.collection.teleop.client import Client
from wtl.collection.worlds import registry
from wtl.datasets.contract.errors import UserError

_MAX_CLIENTS = 16
_WRITE_LIMIT = 32 << 10  # bytes, of the buffer of a socket
_GOODBYE_SECONDS = 0.3  # for the last status to arrive before the socket closes


class TeleopError(UserError):
    """The session can't go on; saved episodes are safe."""


def run(
    assignment: simulation.Assignment,
    host: str = "127.0.0.1",
    port: int = 8765,
    policy: Connection | None = None,
) -> dict:
    """Serve a session until its operator quits; return its last status.

    Port 0 takes a free one. The connection is to the process of a policy that may act.

    Raises:
      UserError: if the address is not available or the simulation fails.
      KeyboardInterrupt: if the process was asked to end.
    """
    ours, theirs = worker.CONTEXT.Pipe()
    process = worker.start(simulation.simulate, theirs, assignment, policy)
    theirs.close()
    try:
        return asyncio.run(_Server(ours, assignment.world).serve(host, port))
    finally:
        ours.close()
        # It ends by itself when nobody listens, after the episode that it stores.
        process.join(timeout=3)
        process.kill()


class _Server:
    def __init__(self, connection: Connection, world: str):
        self._simulation = connection
        self._controls = registry.get(world).teleop.controls
        self._clients: list[Client] = []
        self._operator: Client | None = None
        self._busy = False  # whether the simulation is doing what it was asked to
        self._waiting: messages.Do | None = None  # the newest that came meanwhile
        self._status: dict = {}
        self._picture: bytes | None = None

    async def serve(self, host: str, port: int) -> dict:
        loop = asyncio.get_running_loop()
        self._began, self._ended = loop.create_future(), loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, KeyboardInterrupt())
        loop.add_reader(self._simulation.fileno(), self._receive)
        try:
            # No browser is let in before there is something to see.
            either = (self._began, self._ended)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                return await self._ended
            routes = (
                web.get("/controls.json", self._send_controls),
                web.get("/socket", self._converse),
            )
            app = local_server.application(__package__, routes, {})
            async with local_server.listening(app, host, port) as address:
                print(f"Teleoperation at {address}", flush=True)
                print("Ctrl-C ends it; saved episodes are safe.", flush=True)
                return await self._ended
        finally:
            loop.remove_reader(self._simulation.fileno())

    def _end(self, outcome: dict | BaseException):
        if self._ended.done():
            return
        if isinstance(outcome, BaseException):
            self._ended.set_exception(outcome)
        else:
            self._ended.set_result(outcome)

    # --- The simulation.

    def _receive(self):
        try:
            kind, content = self._simulation.recv()
        except (EOFError, OSError):
            self._end(
                TeleopError(
                    "the simulation died (out of memory?); saved episodes are safe: "
                    "rerun the command"
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
            self._report()
        elif kind == "done":
            self._busy, self._status = False, content
            self._report()
            if self._waiting is not None:
                self._do(self._waiting)
        elif kind == "failed":
            self._end(TeleopError(content))
        else:
            self._status = content | {"ended": True}
            self._report()
            loop = asyncio.get_running_loop()
            loop.call_later(_GOODBYE_SECONDS, self._end, content)

    def _send(self, method: str, *arguments):
        # A simulation that is gone is noticed in `_receive`.
        with contextlib.suppress(OSError):
            self._simulation.send((method, arguments))

    def _report(self):
        for client in self._clients:
            client.report(
                self._status
                | {
                    "driving": client is self._operator,
                    "driven": self._operator is not None,
                    "busy": self._busy,
                    "watching": len(self._clients) - (self._operator is not None),
                    "rtt": round(client.rtt, 3),
                }
            )

    # --- Browsers.

    async def _send_controls(self, request: web.Request) -> web.Response:
        return web.json_response(
            {**self._controls, "socket": f"socket?key={request.app[local_server.KEY]}"}
        )

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        if len(self._clients) >= _MAX_CLIENTS:
            raise web.HTTPServiceUnavailable(text="too many browsers")
        socket = web.WebSocketResponse(
            timeout=1,
            autoping=False,
            compress=False,
            max_msg_size=messages.MAX_BYTES,
            writer_limit=_WRITE_LIMIT,
        )
        if not socket.can_prepare(request):
            raise web.HTTPForbidden(text="only sockets are served here")
        await socket.prepare(request)
        client = Client(socket, request)
        self._clients.append(client)
        self._send("audience", len(self._clients))
        if self._operator is None:
            self._operator = client
        if self._picture:
            client.show(self._picture)
        self._report()
        tasks = [asyncio.create_task(t) for t in (client.feed(), client.watch())]
        try:
            async for text in client.messages():
                self._take(client, text)
        finally:
            for task in tasks:
                task.cancel()
            self._clients.remove(client)
            self._leave(client)
            self._send("audience", len(self._clients))
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def _take(self, client: Client, text: str | bytes):
        try:
            message = messages.parse(text, len(self._controls["axes"]))
        except messages.MessageError:
            client.offend()
            return
        if isinstance(message, messages.Do) and message.verb == "claim":
            if self._operator is None:
                self._operator = client
                self._report()
        elif client is not self._operator:
            return
        elif isinstance(message, messages.Drive):
            now = time.monotonic()
            self._send("drive", message.command, now, message.seq, client.rtt)
        elif message.verb == "release":
            self._leave(client)
        elif self._busy:
            self._waiting = message
        else:
            self._do(message)

    def _do(self, message: messages.Do):
        """Have the simulation do something, one thing at a time."""
        self._busy, self._waiting = True, None
        self._status |= {"message": "", "refused": False}
        self._report()
        self._send("do", message.verb, message.value)

    def _leave(self, client: Client):
        if client is self._operator:
            self._operator = self._waiting = None
            self._send("release")
        self._report()
