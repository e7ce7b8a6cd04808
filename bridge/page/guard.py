"""Stands before the web server: lets in whoever may look, and says to browsers what this page never does."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.page.gate import Gate, one

POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws://{host}",
        "img-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

OWN_SITE = ("", "none", "same-origin")
"""What a browser says of who asks: nothing (an old one), the person, this page."""

MISNAMED = "This page is not known by that name: open the address that `gapt jam` has printed."
FOREIGN = "Another page has asked for this: open the address that `gapt jam` has printed."
UNKNOWN = "This device is not known yet: open the link that `gapt jam` has printed; each link is good for one device."


class Guard:
    """An ASGI application around `app`."""

    def __init__(self, app: ASGIApp, gate: Gate, spent: Callable[[], None]) -> None:
        """`spent` is called whenever a link has been used."""
        self._app, self._gate, self._spent = app, gate, spent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let `app` answer it."""
        if scope["type"] == "websocket":
            # A browser sends the page's cookies whoever's page asks; what tells ours from others is the origin.
            trusted = self._is_named(scope) and self._gate.is_own(scope["headers"]) and self._knows(scope)
            await (self._app(scope, receive, send) if trusted else send({"type": "websocket.close", "code": 1008}))
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookie = None
        if not self._is_named(scope):
            app: ASGIApp = PlainTextResponse(MISNAMED, 421)
        elif scope["path"] != "/" and one(scope["headers"], b"sec-fetch-site") not in OWN_SITE:
            # Where a browser says that a page of somebody else asks, for what it could not read anyway.
            app = PlainTextResponse(FOREIGN, 403)
        elif self._knows(scope) or (cookie := self._cookie(scope)) is not None:
            app = self._app
        else:
            app = PlainTextResponse(UNKNOWN, 403)
        await app(scope, receive, self._sealed(scope, send, cookie))

    def _sealed(self, scope: Scope, send: Send, cookie: str | None) -> Send:
        """`send` with the headers of every answer, and with a cookie for a device that is new."""
        host = one(scope["headers"], b"host") if self._is_named(scope) else "localhost"

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # A file may be kept, but never used without asking: modules of two versions do not fit.
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
                headers["Content-Security-Policy"] = POLICY.format(host=host)
                if cookie is not None:
                    headers.append(
                        "Set-Cookie", f"{self._gate.cookie_name}={cookie}; HttpOnly; SameSite=Strict; Path=/"
                    )
            await send(message)

        return sealed

    def _is_named(self, scope: Scope) -> bool:
        return self._gate.is_named(scope.get("server"), scope["headers"])

    def _knows(self, scope: Scope) -> bool:
        return self._gate.knows(scope.get("client"), scope["headers"])

    def _cookie(self, scope: Scope) -> str | None:
        """The cookie for a device that comes with a good link, which is used up by that."""
        if scope["method"] != "GET" or scope["path"] != "/":
            return None
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        cookie = self._gate.spend(tokens[0])
        if cookie is not None:
            self._spent()
        return cookie
