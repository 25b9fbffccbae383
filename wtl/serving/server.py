"""Policy server: websockets and msgpack, as clients of openpi speak them.

One policy serves several clients, each with a context and an episode of its own. A
client's mistake is answered with a line of text, after which it may go on; nothing that
a client sends ends the server.
"""

import asyncio
import concurrent.futures
import hmac
import ipaddress
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web

from wtl.api.policies import Policy
from wtl.collection import local_server
from wtl.datasets.contract.errors import UserError
from wtl.serving import message as messages
from wtl.serving import session as sessions
from wtl.serving.context_episode import RunEpisodes
from wtl.serving.latency import Latencies

TOKEN_VARIABLE = "WTL_TOKEN"
TIMING = "server_timing"  # of a reply, as openpi's server names it
_MAX_CLIENTS = 16
_HEARTBEAT = 20.0  # seconds between pings, after which a silent client is dropped
_LEAST_TOKEN = 16  # characters


def serve(
    policy: Policy,
    run: RunEpisodes,
    metadata: Mapping[str, Any],
    host: str,
    port: int,
):
    """Serve a policy until interrupted, then print the latencies.

    Port 0 takes a free one.

    Raises:
      UserError: if the address is not available, or the token is too short.
    """
    server = PolicyServer(policy, run, metadata, token_for(host))
    asyncio.run(_until_interrupted(server, host, port))
    if report := server.latencies.report():
        print(report)


def token_for(host: str) -> str:
    """Return the token that clients must show; none is needed on this machine.

    Raises:
      UserError: if the environment variable has one that could be guessed.
    """
    if _is_loopback(host):
        return ""
    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(_LEAST_TOKEN)
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable():
        raise UserError(
            f"{TOKEN_VARIABLE} must have {_LEAST_TOKEN} or more printable characters"
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class PolicyServer:
    """Server of one policy.

    Attributes:
      app: the application, see `local_server.bound`.
      token: that clients must show; empty for none.
      latencies: of all requests.
    """

    def __init__(
        self,
        policy: Policy,
        run: RunEpisodes,
        metadata: Mapping[str, Any],
        token: str = "",
    ):
        """Serve a policy.

        Args:
          policy: the policy.
          run: episodes that clients may name.
          metadata: sent to each client first.
          token: see the attribute.
        """
        self.token = token
        self.latencies = Latencies()
        self._policy, self._run = policy, run
        self._metadata = messages.pack(metadata)
        self._clients: set[web.WebSocketResponse] = set()
        # TensorFlow computes on one thread, while the server answers pings.
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self.app = web.Application()
        self.app[local_server.KNOWN] = set()
        self.app.add_routes(
            [web.get("/healthz", _health), web.get("/{path:.*}", self._converse)]
        )
        self.app.on_shutdown.append(self._dismiss)

    async def rehearse(self):
        """Prepare the policy; clients that connect meanwhile wait for their replies."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, sessions.rehearse, self._policy)

    async def _dismiss(self, _: web.Application):
        for client in set(self._clients):
            await client.close(
                code=aiohttp.WSCloseCode.GOING_AWAY, message=b"the server ends"
            )

    def _admit(self, request: web.Request):
        """Refuse a client without the token, pages of browsers, and one too many."""
        if self.token:
            given = request.headers.get("Authorization", "").partition(" ")[2].strip()
            expected = self.token.encode()
            if not hmac.compare_digest(given.encode(errors="replace"), expected):
                raise web.HTTPUnauthorized(
                    text="the token is missing or wrong; send the header "
                    "'Authorization: Api-Key TOKEN'"
                )
        elif "Origin" in request.headers:
            # Pages of the internet can open sockets to this machine.
            raise web.HTTPForbidden(text="pages of browsers are not served")
        if len(self._clients) >= _MAX_CLIENTS:
            raise web.HTTPServiceUnavailable(
                text=f"{_MAX_CLIENTS} clients are connected, the most"
            )
        if "Upgrade" not in request.headers:
            raise web.HTTPUpgradeRequired(
                text="this is a policy server: connect with a websocket, as the "
                "package openpi-client does",
                headers={"Upgrade": "websocket"},
            )

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        self._admit(request)
        request.app[local_server.KNOWN].add(request.protocol)
        client = web.WebSocketResponse(
            max_msg_size=messages.MAX_BYTES, compress=False, heartbeat=_HEARTBEAT
        )
        self._clients.add(client)
        try:
            await client.prepare(request)
            await client.send_bytes(self._metadata)
            await self._answer_all(client)
        except ConnectionError:
            pass  # the client has gone
        finally:
            self._clients.discard(client)
        return client

    async def _answer_all(self, client: web.WebSocketResponse):
        loop = asyncio.get_running_loop()
        session = sessions.Session(self._policy.clone(), self._run)
        before: float | None = None
        async for received in client:
            began = time.perf_counter()
            if received.type is not aiohttp.WSMsgType.BINARY:
                await client.send_str("messages are binary, in msgpack")
                continue
            reply = await loop.run_in_executor(
                self._thread, _reply, session, received.data, before
            )
            if isinstance(reply, str):
                await client.send_str(reply)
                continue
            await client.send_bytes(reply)
            before = 1000 * (time.perf_counter() - began)
            self.latencies.add(session.kind, before)


def _reply(session: sessions.Session, data: bytes, before: float | None) -> bytes | str:
    """Return the packed reply to a message, or the line that says what is wrong.

    Args:
      session: of the client.
      data: the message.
      before: milliseconds that the reply before took in all.
    """
    began = time.perf_counter()
    try:
        answer = session.answer(messages.unpack(data))
    except UserError as error:
        return " ".join(str(error).split())
    except Exception as error:  # unforeseen ones: to the client and in the terminal
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"wtl: {text!a:.300}", file=sys.stderr)
        return f"the request failed: {text:.300}"
    timing = {"infer_ms": 1000 * (time.perf_counter() - began)}
    if before is not None:
        timing["prev_total_ms"] = before
    return messages.pack(answer | {TIMING: timing})


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="OK\n")


async def _until_interrupted(server: PolicyServer, host: str, port: int):
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with local_server.bound(server.app, host, port) as place:
        await server.rehearse()
        print(f"Policy at ws://{place}", flush=True)
        if server.token:
            print(f"Clients need the token (api_key) {server.token}", flush=True)
        print("Ctrl-C ends it.", flush=True)
        await ended.wait()
