"""Connection to one browser."""

import asyncio
import socket
import time

from aiohttp import WSMsgType, web

_RATE = 120.0  # messages per second; the fastest chords need 90
_BURST = 120.0
_PATIENCE = 200  # excess or malformed messages before the connection is closed
_SEND_BUFFER = 64 << 10  # bytes; so that old pictures don't queue up in the kernel
_PING_SECONDS = 2
_LOST_SECONDS = 12  # without an answer to a ping


class Client:
    """Sends a browser the newest picture and status, as fast as it takes them.

    Attributes:
      rtt: round-trip time to the browser, as last measured, seconds.
    """

    def __init__(self, socket_: web.WebSocketResponse, request: web.Request):
        """Serve a browser whose socket has just been opened, without autoping."""
        self._socket = socket_
        self._transport = request.transport
        self._offences = 0
        self._allowance = _BURST
        self._counted = self._answered = self._pinged = time.monotonic()
        self._status: dict | None = None
        self._picture: bytes | None = None
        self._news = asyncio.Event()
        self.rtt = 0.0
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def show(self, image: bytes):
        """Offer a picture; it replaces one that is not yet sent."""
        self._picture = image
        self._news.set()

    def report(self, status: dict):
        """Offer a status; it replaces one that is not yet sent."""
        self._status = status
        self._news.set()

    async def feed(self):
        """Send what is offered, until the connection closes."""
        while True:
            await self._news.wait()
            self._news.clear()
            status, self._status = self._status, None
            if status is not None:
                await self._socket.send_json(status)
            picture, self._picture = self._picture, None
            if picture is not None:
                await self._socket.send_bytes(picture)

    async def watch(self):
        """Measure the round-trip time; cut the connection if nobody answers."""
        while time.monotonic() - self._answered < _LOST_SECONDS:
            if self._answered >= self._pinged:
                self._pinged = time.monotonic()
                await self._socket.ping(repr(self._pinged).encode())
            await asyncio.sleep(_PING_SECONDS)
        self._transport.abort()

    async def messages(self):
        """Yield the messages within the rate, until the connection closes."""
        async for message in self._socket:
            if message.type is WSMsgType.PONG:
                self._take_pong(bytes(message.data))
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif self._is_allowed():
                yield message.data
            if self._offences > _PATIENCE:
                await self._socket.close(code=1008, message=b"too many messages")
                return

    def _take_pong(self, data: bytes):
        if data == repr(self._pinged).encode():
            self._answered = time.monotonic()
            self.rtt = self._answered - self._pinged

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        earned = _RATE * (now - self._counted)
        self._allowance, self._counted = min(self._allowance + earned, _BURST), now
        if self._allowance < 1:
            self.offend()
            return False
        self._allowance -= 1
        return True

    def offend(self):
        """Count a message that should not have come."""
        self._offences += 1
