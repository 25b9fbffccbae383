"""Who may ask for what: browsers are not trusted, nor are other pages in them."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from wtl.datasets.hosting import loopback

_COOKIE = "wtl_view"
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
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Turns requests away that the page itself would not make."""

    def __init__(self, token: str):
        """Guards a server.

        Args:
          token: which the page's address must have; empty on loopback, where the names
            of the host must be those of this machine instead.
        """
        self._token = token

    @web.middleware
    async def __call__(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Passes on what may pass."""
        host = _only(request, "Host")
        if not self._token and not loopback.is_loopback(loopback.hostname(host)):
            # A name of somebody else's that was made to point here.
            raise web.HTTPForbidden(text="unknown host")
        is_page = request.path == "/"
        is_data = request.path.startswith("/api/")
        if (is_page or is_data) and not self._is_known(request):
            raise web.HTTPForbidden(text="the address needs its token")
        fetched_by = _only(request, "Sec-Fetch-Site") or "none"
        if is_data and fetched_by not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="another page has no business here")
        if request.method not in ("GET", "HEAD"):
            # Other pages can post, but not as JSON and not without saying who they are.
            origin = _only(request, "Origin")
            if origin not in (f"http://{host}", f"https://{host}"):
                raise web.HTTPForbidden(text="unknown origin")
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="only JSON is understood")
        response = await handler(request)
        if is_page and self._token:
            response.set_cookie(
                _COOKIE, self._token, httponly=True, samesite="Strict", path="/"
            )
        return response

    def _is_known(self, request: web.Request) -> bool:
        if not self._token:
            return True
        given = (request.query.get("token", ""), request.cookies.get(_COOKIE, ""))
        return any(
            hmac.compare_digest(text.encode(errors="replace"), self._token.encode())
            for text in given
        )


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Adds headers to every response, errors included."""
    del request
    response.headers.update(_HEADERS)
    response.headers["Server"] = "wtl"


def _only(request: web.Request, name: str) -> str:
    """The value of a header that is there once; whatever else is as if it was not."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""
