"""Web server of a page for people on this machine; browsers are not trusted."""

import contextlib
import hmac
import importlib.resources
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiohttp import web

from wtl.datasets.contract.errors import UserError
from wtl.datasets.hosting import loopback

_HEADERS = {
    "Content-Security-Policy": (
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
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_for(host: str) -> str:
    """Return a new token that requests need; empty for a loopback address."""
    return "" if loopback.is_loopback(host) else secrets.token_urlsafe(16)


class Guard:
    """Middleware that refuses requests that the page itself would not make.

    Parts of the page, such as scripts, are given to everybody.
    """

    def __init__(self, token: str, cookie: str, private: str):
        """Guard the page and the paths with a prefix, which need the token.

        It is empty on loopback, where the host must be this machine instead.
        """
        self._token = token
        self._cookie = cookie
        self._private = private

    @web.middleware
    async def __call__(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Pass on a request, or refuse it."""
        host = _only(request, "Host")
        if not self._token and not loopback.is_loopback(loopback.hostname(host)):
            # A foreign name whose address was changed to this machine's.
            raise web.HTTPForbidden(text="unknown host")
        is_page = request.path == "/"
        is_private = request.path.startswith(self._private)
        if (is_page or is_private) and not self._is_known(request):
            raise web.HTTPForbidden(text="the address needs its token")
        fetched_by = _only(request, "Sec-Fetch-Site") or "none"
        if is_private and fetched_by not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="another page may not read this")
        reads = request.method in ("GET", "HEAD")
        is_socket = reads and "Upgrade" in request.headers
        if is_socket or not reads:
            # Other pages can open sockets and post, but not hide their origin.
            origin = _only(request, "Origin")
            if origin not in (f"http://{host}", f"https://{host}"):
                raise web.HTTPForbidden(text="unknown origin")
            if not is_socket and request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="the body must be JSON")
        response = await handler(request)
        if is_page and self._token:
            response.set_cookie(
                self._cookie, self._token, httponly=True, samesite="Strict", path="/"
            )
        return response

    def _is_known(self, request: web.Request) -> bool:
        if not self._token:
            return True
        given = (request.query.get("token", ""), request.cookies.get(self._cookie, ""))
        return any(
            hmac.compare_digest(text.encode(errors="replace"), self._token.encode())
            for text in given
        )


def _only(request: web.Request, name: str) -> str:
    """Return the value of a header that is there exactly once; else an empty text."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def application(
    guard: Guard, package: str, outer: Sequence[Handler] = ()
) -> web.Application:
    """Return a guarded application that serves the folder `page` of a package.

    The page itself is its `page.html`; the outer middlewares are around the guard.
    """
    app = web.Application(
        middlewares=[*outer, guard.__call__], client_max_size=_MAX_BODY
    )
    app.on_response_prepare.append(_add_headers)
    folder = importlib.resources.files(package) / "page"
    files = {f"/{file.name}": file for file in folder.iterdir()}
    files |= {"/": files.pop("/page.html"), "/base.css": _BASE_STYLE}

    async def send_file(request: web.Request) -> web.Response:
        name, body = files[request.path].name, files[request.path].read_bytes()
        kind = _TYPES[os.path.splitext(name)[1]]
        return web.Response(body=body, content_type=kind, charset="utf-8")

    app.add_routes([web.get(path, send_file) for path in files])
    return app


async def _add_headers(_: web.Request, response: web.StreamResponse):
    """Add headers to every response, errors included."""
    response.headers.update(_HEADERS)


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, token: str
) -> AsyncIterator[str]:
    """Serve an application while the block runs; give its address with the token.

    Port 0 takes a free one.

    Raises:
      UserError: if the address is not available.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise UserError(
                f"can't listen on {host}, port {port} ({error.strerror or error}); "
                "choose another with --port"
            ) from error
        named = f"[{host}]" if ":" in host else host
        query = f"?token={token}" if token else ""
        yield f"http://{named}:{runner.addresses[0][1]}/{query}"
    finally:
        await runner.cleanup()
