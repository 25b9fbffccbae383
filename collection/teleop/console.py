"""Console of an operator: a socket for each browser, before one simulation.

One browser operates, the others watch. Browsers are not trusted: messages are checked
one by one, and nothing that a browser does or leaves undone reaches the simulation
other than as a command in range.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection
from multiprocessing.connection import Connection

from aiohttp import web

from wtl.collection import local_server
from wtl.collection.teleop import messages
from wtl.collection.teleop.client import Client
from wtl.collection.worlds import registry
from wtl.datasets.contract.errors import UserError

_MAX_CLIENTS = 16
_WRITE_LIMIT = 32 << 10  # bytes, of the buffer of a socket
_GOODBYE_SECONDS = 0.3  # for the last status to arrive before the socket closes


class TeleopError(UserError):
    """The session can't go on; saved episodes are safe."""


class Console:
    """Sockets of browsers, and the connection to a simulation.

    Attributes:
      began: done when there is a status of the simulation.
      ended: its last status, or the error that ended it.
    """

    began: asyncio.Future
    ended: asyncio.Future

    def __init__(
        self,
        connection: Connection,
        world: str,
        verbs: Collection[str] = tuple(messages.VERBS),
    ):
        """Stand before a simulation of a world, see `simulation.simulate`.

        Args:
          connection: to its process.
          world: name of the world, which has a `teleop`.
          verbs: those of `messages.VERBS` that browsers may send.
        """
        self._simulation = connection
        self._controls = registry.get(world).teleop.controls
        self._verbs = verbs
        self._clients: list[Client] = []
        self._operator: Client | None = None
        self._busy = False  # whether the simulation is doing what it was asked to
        self._waiting: messages.Do | None = None  # the newest that came meanwhile
        self._status: dict = {}
        self._picture: bytes | None = None

    @property
    def routes(self) -> tuple[web.RouteDef, ...]:
        """Paths of the controls and of the socket."""
        return (
            web.get("/controls.json", self._send_controls),
            web.get("/socket", self._converse),
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Console"]:
        """Listen to the simulation while the block runs."""
        loop = asyncio.get_running_loop()
        self.began, self.ended = loop.create_future(), loop.create_future()
        loop.add_reader(self._simulation.fileno(), self._receive)
        try:
            yield self
        finally:
            loop.remove_reader(self._simulation.fileno())

    def end(self, outcome: dict | BaseException):
        """Set `ended`, unless it is set."""
        if self.ended.done():
            return
        if isinstance(outcome, BaseException):
            self.ended.set_exception(outcome)
        else:
            self.ended.set_result(outcome)

    # --- The simulation.

    def _receive(self):
        try:
            kind, content = self._simulation.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._simulation.fileno())
            self.end(
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
            if not self.began.done():
                self.began.set_result(None)
            self._report()
        elif kind == "done":
            self._busy, self._status = False, content
            self._report()
            if self._waiting is not None:
                self._do(self._waiting)
        elif kind == "failed":
            self.end(TeleopError(content))
        else:
            self._status = content | {"ended": True}
            self._report()
            loop = asyncio.get_running_loop()
            loop.call_later(_GOODBYE_SECONDS, self.end, content)

    def send(self, method: str, *arguments):
        """Have the simulation call a method of its session."""
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
        self.send("audience", len(self._clients))
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
            self.send("audience", len(self._clients))
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def _take(self, client: Client, text: str | bytes):
        try:
            message = messages.parse(text, len(self._controls["axes"]))
        except messages.MessageError:
            client.offend()
            return
        if isinstance(message, messages.Do) and message.verb not in self._verbs:
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
            self.send("drive", message.command, now, message.seq, client.rtt)
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
        self.send("do", message.verb, message.value)

    def _leave(self, client: Client):
        if client is self._operator:
            self._operator = self._waiting = None
            self.send("release")
        self._report()
