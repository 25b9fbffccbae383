"""One connected browser."""

import asyncio
import json
import socket
import time

from websockets.asyncio.server import ServerConnection

_RATE = 120.0  # messages per second; chords struck as fast as can be need 90
_BURST = 120.0
_PATIENCE = 200  # messages beyond that, or malformed, before it is shown the door
_SEND_BUFFER = 64 << 10  # bytes; so that old pictures don't queue up in the kernel


class Client:
    """Sends a browser the newest picture and status, as fast as it takes them."""

    def __init__(self, connection: ServerConnection):
        """Serves a browser whose connection has just been opened."""
        self.connection = connection
        self._offences = 0
        self._allowance = _BURST
        self._counted = time.monotonic()
        self._status: dict | None = None
        self._picture: bytes | None = None
        self._news = asyncio.Event()
        raw = connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    @property
    def rtt(self) -> float:
        """Seconds of the way to the browser and back, as last measured."""
        return self.connection.latency

    def show(self, image: bytes):
        """Offers a picture; one that is not yet sent is dropped for it."""
        self._picture = image
        self._news.set()

    def tell(self, status: dict):
        """Offers a status; one that is not yet sent is dropped for it."""
        self._status = status
        self._news.set()

    async def feed(self):
        """Sends what is offered, until the connection closes."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._status is not None:
                status, self._status = self._status, None
                await self.connection.send(json.dumps(status))
            if self._picture is not None:
                image, self._picture = self._picture, None
                await self.connection.send(image)

    def may_speak(self) -> bool:
        """Whether the next message is within the rate; counts it."""
        now = time.monotonic()
        self._allowance += _RATE * (now - self._counted)
        self._allowance = min(self._allowance, _BURST)
        self._counted = now
        if self._allowance < 1:
            self.offend()
            return False
        self._allowance -= 1
        return True

    def offend(self):
        """Counts a message that should not have come."""
        self._offences += 1

    @property
    def is_hostile(self) -> bool:
        """Whether there were more of those than any mistake explains."""
        return self._offences > _PATIENCE
