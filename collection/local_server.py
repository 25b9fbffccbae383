"""Web server of a page for the people who know its token; browsers are not trusted."""

import asyncio
import contextlib
import hmac
import importlib.resources
import logging
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

from aiohttp import web

from wtl.datasets.contract.errors import UserError

_POLICY = "Content-Security-Policy"
_HEADERS = {
    _POLICY: (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "wtl",
}
_BASE_STYLE = importlib.resources.files(__package__) / "page" / "base.css"
_MAX_BODY = 4 << 20  # bytes
_BODY_SECONDS = 30  # in which the body of a request must arrive
_IDLE_SECONDS = 20  # in which the headers of a request must arrive
_MAX_CONNECTIONS = 128
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_TOKEN = web.AppKey("token", str)
KEY = web.AppKey("key", str)  # proves to a socket that its page could read a response
# Connections that have shown the token: others give way to these.
KNOWN = web.AppKey("known", set[web.RequestHandler])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    package: str,
    routes: Iterable[web.RouteDef],
    statuses: Mapping[type[Exception], int],
    *shared: str,
) -> web.Application:
    """Return an application for requests that carry its token, which is new.

    Args:
      package: its folder `page` is served; the page itself is `page.html` in it.
      routes: further paths and methods.
      statuses: HTTP status of errors whose text is sent to the browser.
      *shared: packages whose `page` folders have further files.
    """

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler):
        return await _answer_errors(request, handler, statuses)

    app = web.Application(
        middlewares=[answer_errors, _guard], client_max_size=_MAX_BODY
    )
    app[_TOKEN], app[KEY], app[KNOWN] = _secret(), _secret(), set()
    app.on_response_prepare.append(_add_headers)
    files = {"/base.css": _BASE_STYLE}
    for name in (*shared, package):  # whose own files come first
        folder = importlib.resources.files(name) / "page"
        files |= {f"/{file.name}": file for file in folder.iterdir()}
    files["/"] = files.pop("/page.html")

    async def send_file(request: web.Request) -> web.Response:
        name, body = files[request.path].name, files[request.path].read_bytes()
        kind = _TYPES[os.path.splitext(name)[1]]
        return web.Response(body=body, content_type=kind, charset="utf-8")

    app.add_routes([*(web.get(path, send_file) for path in files), *routes])
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests without the token, and those that the page would not make.

    The address of the page holds the token at first; a cookie replaces it. Cookies are
    those of all ports of a host, hence its name.
    """
    host, site = _only(request, "Host"), _only(request, "Sec-Fetch-Site")
    port = re.search(r":(\d{1,5})$", host)
    cookie = f"wtl_{port[1] if port else 80}"
    is_page, token = request.path == "/", request.app[_TOKEN]
    if is_page and _is_same(request.query.get("token", ""), token):
        # Relative, as a proxy may serve the page below a path; so is the cookie.
        answer = web.Response(status=303, headers={"Location": "./"})
        answer.set_cookie(cookie, token, httponly=True, samesite="Strict", path="")
        return answer
    if not _is_same(request.cookies.get(cookie, ""), token):
        if not (is_page and site == "cross-site"):
            raise web.HTTPForbidden(
                text="open the address that the command has printed: it holds a token"
            )
        # Browsers send no such cookie when they follow a link of another page, but do
        # so for the parts of the page.
        answer = await handler(request)
        answer.set_status(403)
        return answer
    request.app[KNOWN].add(request.protocol)
    if site in ("cross-site", "same-site") and not is_page:
        raise web.HTTPForbidden(text="another page may not read this")
    reads = request.method in ("GET", "HEAD")
    is_socket = reads and "Upgrade" in request.headers
    if is_socket or not reads:
        # Other pages can open sockets and post, but not hide their origin. Where a
        # proxy changes the host, browsers vouch for posts, and the key for sockets.
        origin = _only(request, "Origin")
        is_own = origin in (f"http://{host}", f"https://{host}")
        is_own |= is_socket and _is_same(request.query.get("key", ""), request.app[KEY])
        is_own |= site == "same-origin" and origin not in ("", "null")
        if not is_own:
            raise web.HTTPForbidden(text="unknown origin")
    if not reads:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="the body must be JSON")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body did not arrive") from None
    return await handler(request)


def _secret() -> str:
    return secrets.token_urlsafe(16)


def _is_same(text: str, secret: str) -> bool:
    return hmac.compare_digest(text.encode(errors="replace"), secret.encode())


def _only(request: web.Request, name: str) -> str:
    """Return the value of a header that is there exactly once; else an empty text."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


async def _answer_errors(
    request: web.Request, handler: Handler, statuses: Mapping[type[Exception], int]
) -> web.StreamResponse:
    """Answer errors in one line: to scripts as JSON."""
    try:
        return await handler(request)
    except ConnectionError:
        raise  # the client has gone
    except web.HTTPException as error:
        status, text = error.status, error.text or error.reason
    except web.RequestPayloadError:
        status, text = 400, "the body of the request can't be read"
    except tuple(statuses) as error:
        found = (status for kind, status in statuses.items() if isinstance(error, kind))
        status, text = next(found), " ".join(str(error).split())
    except Exception as error:  # unforeseen ones: in the page and in the terminal
        status, text = 500, f"{type(error).__name__}: {error}"
        print(f"wtl: {request.raw_path!a}: {text!a}", file=sys.stderr)
    if request.path == "/":
        return web.Response(text=text, status=status)
    return web.json_response({"error": text}, status=status)


async def _add_headers(_: web.Request, response: web.StreamResponse):
    """Add headers to every response, errors included; refusals end the connection."""
    own = response.headers.get(_POLICY, _HEADERS[_POLICY])
    response.headers.update({**_HEADERS, _POLICY: own})
    if response.status == 403:
        response.force_close()


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application while the block runs; give its address with the token.

    Port 0 takes a free one.

    Raises:
      UserError: if the address is not available.
    """
    async with bound(app, host, port) as place:
        yield f"http://{place}/?token={app[_TOKEN]}"


@contextlib.asynccontextmanager
async def bound(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve any application with `KNOWN` likewise; give its host and port."""
    if not host:
        raise UserError("--host is empty; leave it out to listen on this machine only")
    silent = logging.Logger("silent", logging.CRITICAL + 1)  # errors are answered
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=silent,
        keepalive_timeout=_IDLE_SECONDS,
        shutdown_timeout=1,
    )
    await runner.setup()
    try:
        try:
            listener = await asyncio.get_running_loop().create_server(
                lambda: _connection(runner.server, app[KNOWN]), host, port
            )
        except (OSError, OverflowError, UnicodeError) as error:
            raise UserError(
                f"can't listen on {host}, port {port} "
                f"({getattr(error, 'strerror', None) or error}); "
                "choose another with --port or --host"
            ) from error
        named = f"[{host}]" if ":" in host else host
        port = listener.sockets[0].getsockname()[1]
        with contextlib.closing(listener):
            yield f"{named}:{port}"
    finally:
        await runner.cleanup()


def _connection(
    server: web.Server, known: set[web.RequestHandler]
) -> asyncio.BaseProtocol:
    """Return the protocol of a new connection.

    It takes the place of the oldest that has not shown the token if there are too many.
    """
    connections = server.connections
    known.intersection_update(connections)
    unknown = [each for each in connections if each not in known]
    excess = len(connections) + 1 - _MAX_CONNECTIONS
    for each in unknown[: max(0, excess)]:
        each.force_close()
    return server() if excess <= len(unknown) else _Refused()


class _Refused(asyncio.Protocol):
    """Connection that is closed at once."""

    def connection_made(self, transport: asyncio.Transport):
        transport.abort()
