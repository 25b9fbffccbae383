"""Browsers' end of a web socket, without a browser."""

import asyncio
import contextlib
import queue
import socket
import threading
import urllib.error

import aiohttp


class Closed(Exception):
    """The server has closed the socket.

    Attributes:
      code: its reason.
    """

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class WebSocket:
    """Connected socket; what arrives is kept until it is read.

    Attributes:
      raw: the TCP socket.
    """

    def __init__(self, url: str, **headers: str | None):
        """Connect, with headers that are not None.

        Raises:
          urllib.error.HTTPError: if the server refuses.
        """
        self._received: queue.Queue = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._code: int | None = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._wait(self._open(url, {k: v for k, v in headers.items() if v}))
        self._reading = asyncio.run_coroutine_threadsafe(self._read(), self._loop)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, text: str | bytes):
        """Send a message."""
        if self._code is not None:
            raise Closed(self._code)
        socket_ = self._socket
        send = socket_.send_str if isinstance(text, str) else socket_.send_bytes
        try:
            self._wait(send(text))
        except ConnectionError:
            self._reading.result(5)
            raise Closed(self._code) from None

    def recv(self, timeout: float) -> str | bytes:
        """Return the next message.

        Raises:
          TimeoutError: if there is none in time.
          Closed: if there will be none.
        """
        try:
            message = self._received.get(timeout=max(0.0, timeout))
        except queue.Empty:
            raise TimeoutError from None
        if message is None:
            raise Closed(self._code)
        return message

    def close(self):
        """Close the connection without waiting for the other end."""
        self._wait(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _open(self, url: str, headers: dict[str, str]):
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                url, headers=headers, max_msg_size=0, compress=0
            )
        except aiohttp.WSServerHandshakeError as error:
            await self._session.close()
            raise urllib.error.HTTPError(url, error.status, "", None, None) from None
        self.raw: socket.socket = self._socket.get_extra_info("socket")

    async def _read(self):
        with contextlib.suppress(OSError):
            async for message in self._socket:
                self._received.put(message.data)
        self._code = self._socket.close_code or 0
        self._received.put(None)

    async def _leave(self):
        connection = self._socket._response.connection
        # The other end may have closed it already.
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        await self._session.close()
