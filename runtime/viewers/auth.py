"""The doorman of the live page: who may come in, from where, and how much they may bring."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

from coconet.errors import CoconetError, MissingPackage

try:
    from starlette.datastructures import Headers
    from starlette.requests import cookie_parser
    from starlette.responses import PlainTextResponse, RedirectResponse, Response
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


COOKIE = "coconet_session"

_SHORTEST_TOKEN = 16  # letters that nobody guesses through a page

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_OPEN_PATHS = ("/login", "/healthz", "/readyz", "/static/")


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not come in, as an HTTP status and a sentence."""

    status: int
    reason: str


class Access:
    """Who may see the page: everybody on this machine, or, from anywhere, whoever has the token.

    A browser gets a cookie for the token: neither of them ever stands in an address. Programs send the token as
    `Authorization: Bearer`.
    """

    def __init__(self, host: str, token: str | None) -> None:
        """Open the page on `host`. Raises CoconetError for a short token, and for none where others can reach it."""
        self._token = token
        self._session = hmac.new(secrets.token_bytes(32), (token or "").encode(), sha256).hexdigest()
        if token is not None and len(token) < _SHORTEST_TOKEN:
            raise _bad_token(f"one of {len(token)}")
        if token is None and not is_loopback(host):
            raise _bad_token(f"none, on {host}, which others can reach")

    def session_for(self, token: str) -> str | None:
        """Give the value of the cookie to who knows the token."""
        return self._session if self._token is not None and _same(token, self._token) else None

    def refusal(self, headers: Headers, path: str) -> Refusal | None:
        """Say why a request may not come in; None where it may."""
        host = headers.get("host", "")
        if self._token is None and _name_of(host) not in _LOOPBACK:
            return Refusal(421, "This page answers to localhost only.")  # a name somebody else points at this machine
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return Refusal(403, "Another page may not speak for its reader.")
        if self._token is None or path.startswith(_OPEN_PATHS) or self._known(headers):
            return None
        return Refusal(401, "A token is needed.")

    def _known(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.session_for(token.strip()):
            return True
        return _same(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""), self._session)


class Doorman:
    """ASGI middleware that turns away what Access refuses, and tells browsers to be careful with the rest."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._access.refusal(Headers(scope=scope), scope["path"])
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})
        else:
            await _answer(refusal, scope["path"])(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine as only itself can reach it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(refusal: Refusal, path: str) -> Response:
    if refusal.status == 401 and path == "/":
        return RedirectResponse("/login", 303)
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    return PlainTextResponse(refusal.reason, refusal.status, headers)


def _name_of(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _same(given: str, right: str) -> bool:
    # Takes as long for a nearly right one; a lone surrogate, which JSON can hold, is no reason to fail.
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _bad_token(got: str) -> CoconetError:
    return CoconetError(
        "--token",
        wanted=f"a token of at least {_SHORTEST_TOKEN} characters",
        got=got,
        remedy="Make one with: export COCONET_TOKEN=$(python3 -c 'import secrets; print(secrets.token_urlsafe())')",
    )
