"""Connection to the server of a world."""

import asyncio
import functools
import threading
import time
import zlib
from collections.abc import Coroutine

import grpc
from dm_env_rpc.v1 import dm_env_rpc_pb2, dm_env_rpc_pb2_grpc, error, message_utils

from wtl.collection.worlds.remote import server
from wtl.datasets.contract.errors import UserError

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0  # before connecting again
_OPTIONS = (
    *server.OPTIONS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.enable_http_proxy", 0),
)


class _OutageError(Exception):
    """Loss of a connection."""


class Connection:
    """Connection that survives an outage; a `ConnectionType` of dm_env_rpc.

    After an outage all requests are sent again to a new environment. Its responses must
    be the same as before, which they are where seed and actions decide an episode.
    """

    def __init__(self, name: str, address: str, timeout_s: float, retries: int):
        """Prepare a connection, which the first request opens.

        Args:
          name: the world, for errors; '' if it is not known yet.
          address: `host:port` of the server.
          timeout_s: seconds after which a response counts as missing.
          retries: attempts to connect again after an outage.
        """
        self._address = address
        self._where = f"the world {name!r} at {address}" if name else address
        self._timeout_s, self._retries = timeout_s, retries
        self._stream: grpc.aio.StreamStreamCall | None = None
        # Each request of the environment with the checksum of its response.
        self._past: list[tuple[dm_env_rpc_pb2.EnvironmentRequest, int]] = []

    def send(
        self, request: message_utils.DmEnvRpcRequest
    ) -> message_utils.DmEnvRpcResponse:
        """Return the response to a request.

        Raises:
          UserError: if there is none, or the server refuses the request.
        """
        packed, kind = message_utils.pack_environment_request(request)
        response = self._answered(packed)
        try:
            return message_utils.unpack_environment_response(response, kind)
        except error.DmEnvRpcError as refusal:
            raise self.error(refusal.message) from refusal

    def error(self, text: str) -> UserError:
        """Return an error that names world and server."""
        return UserError(f"{self._where}: {text}")

    def close(self):
        """Give the server's environment back."""
        if self._stream is not None:
            _loop().call_soon_threadsafe(self._stream.cancel)
            self._stream = None

    def _answered(self, request) -> dm_env_rpc_pb2.EnvironmentResponse:
        for attempt in range(self._retries + 1):
            if attempt:
                wait = _FIRST_WAIT_S * 2 ** (attempt - 1)
                time.sleep(min(wait, _LONGEST_WAIT_S))
            try:
                if self._stream is None:
                    self._open()
                response = self._exchange(request)
            except TimeoutError as silence:
                self.close()
                raise self.error(
                    f"the server was silent for {self._timeout_s:g} s; start it again, "
                    "then rerun the command to resume, or raise timeout_s="
                ) from silence
            except _OutageError as outage:
                self.close()
                lost = outage
            else:
                self._past.append((request, _checksum(response)))
                return response
        raise self.error(
            f"nothing that serves worlds answers there ({lost}); start its server "
            "(`wtl serve_world`, or `serve`), then rerun the command to resume"
        ) from lost

    def _open(self):
        self._stream = _wait(_opened(self._address))
        for request, checksum in self._past:
            if _checksum(self._exchange(request)) != checksum:
                raise self.error(
                    "the connection broke, and the same seed and actions do not give "
                    "the same episode again; rerun the command to resume"
                )

    def _exchange(self, request) -> dm_env_rpc_pb2.EnvironmentResponse:
        exchange = _exchanged(self._stream, request)
        return _wait(asyncio.wait_for(exchange, self._timeout_s))


def _checksum(response: dm_env_rpc_pb2.EnvironmentResponse) -> int:
    return zlib.crc32(response.SerializeToString(deterministic=True))


async def _opened(address: str) -> grpc.aio.StreamStreamCall:
    return dm_env_rpc_pb2_grpc.EnvironmentStub(_channel(address)).Process()


@functools.cache
def _channel(address: str) -> grpc.aio.Channel:
    """Return the channel of an address, which carries one stream per environment."""
    return grpc.aio.insecure_channel(address, options=_OPTIONS)


async def _exchanged(stream, request) -> dm_env_rpc_pb2.EnvironmentResponse:
    try:
        await stream.write(request)
        response = await stream.read()
    except (grpc.RpcError, asyncio.InvalidStateError):
        response = grpc.aio.EOF
    if response is grpc.aio.EOF:
        reason = await stream.details() or "it closed the connection"
        # gRPC's reasons are nested; the innermost one comes last.
        raise _OutageError(reason.rpartition(": ")[2].strip("[]() "))
    return response


def _wait(work: Coroutine):
    """Return the result of a coroutine that runs in the thread of connections."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of all connections, which runs in a thread of its own.

    Callers may have a running loop themselves, as notebooks do.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
