"""Proxy that serves a server of this machine below a path, for tests of pages."""

import asyncio
import contextlib
import threading

import aiohttp
from aiohttp import web


@contextlib.contextmanager
def below(prefix: str, port: int):
    """Serves a port below a prefix; gives the address of the prefix."""
    target = f"127.0.0.1:{port}"
    ready, found, ends = threading.Event(), [], []

    async def forward(request: web.Request) -> web.StreamResponse:
        url = f"http://{target}/{request.match_info['path']}"
        headers = {k: v for k, v in request.headers.items() if k != "Accept-Encoding"}
        headers["Host"] = target  # as many proxies do
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            if request.headers.get("Upgrade") == "websocket":
                headers = {k: v for k, v in headers.items() if "WebSocket" not in k}
                there = await session.ws_connect(
                    url, params=request.query, headers=headers
                )
                here = web.WebSocketResponse()
                await here.prepare(request)
                await asyncio.wait(
                    [
                        asyncio.ensure_future(_copy(*ends))
                        for ends in ((here, there), (there, here))
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                return here
            async with session.request(
                request.method,
                url,
                params=request.query,
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                hidden = ("Transfer-Encoding", "Content-Length")
                kept = [(k, v) for k, v in answer.headers.items() if k not in hidden]
                body = await answer.read()
                return web.Response(status=answer.status, headers=kept, body=body)

    async def serve():
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        app = web.Application()
        app.router.add_route("*", prefix + "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.append(runner.addresses[0][1])
        ends.append(lambda: loop.call_soon_threadsafe(ended.set))
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield f"http://127.0.0.1:{found[0]}{prefix}/"
    finally:
        ends[0]()
        thread.join(30)


async def _copy(source, sink):
    async for message in source:
        send = (
            sink.send_str if message.type is aiohttp.WSMsgType.TEXT else sink.send_bytes
        )
        await send(message.data)
