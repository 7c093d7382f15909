"""Access to the live page: who may see it, who may change what runs, and from where."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Literal
from urllib.parse import quote

from coconet.errors import CoconetError, MissingPackage, Refused
from coconet.runtime.viewers.rate_limit import QuietLog

try:
    from starlette.datastructures import Headers
    from starlette.requests import cookie_parser
    from starlette.responses import PlainTextResponse, RedirectResponse, Response
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingPackage("starlette", job="answering over HTTP", extra="web") from error


_COOKIE = "coconet_session"

MAY_CHANGE = "coconet.may_change"
"""Key of a scope's state: whether who asks may change what runs, or only watch."""

Right = Literal["change", "watch"]

_SHORTEST_TOKEN = 16  # letters that nobody guesses through a page

_OPEN_PATHS = ("/login", "/healthz", "/readyz", "/static/", "/v2/health/")

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{0,5}))?")

_ORIGIN = re.compile(rf"(https?|wss?)://{_HOST.pattern}", re.IGNORECASE)

_ABSOLUTE = re.compile(r"(?:https?|wss?)://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)

_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not come in, as an HTTP status and a sentence."""

    status: int
    reason: str


class Access:
    """Who may see the page: everybody on this machine, or, from anywhere, those with a token.

    One token lets its holder do everything, a second one only watch. A browser gets a cookie for a token: neither of
    them ever stands in an address. Programs send the token as `Authorization: Bearer`.
    """

    def __init__(self, host: str, token: str | None, view_token: str | None = None) -> None:
        """Open the page on `host`.

        Raises CoconetError for a short token, for none if others can reach the page, and for a token to watch that
        is alone or the same as the other.
        """
        for option, given in (("--token", token), ("--view-token", view_token)):
            if given is not None and len(given) < _SHORTEST_TOKEN:
                raise _bad_token(
                    f"one of {len(given)}", f"has {len(given)} characters, fewer than {_SHORTEST_TOKEN}", option
                )
        if token is None and not is_loopback(host):
            raise _bad_token(f"none, on {host}, which others can reach", f"is missing, and others can reach {host}")
        if view_token is not None and (token is None or _same(view_token, token)):
            got = "none beside --view-token" if token is None else "the one that may only watch"
            says = (
                "is missing beside --view-token"
                if token is None
                else "is the same as --view-token, which may only watch"
            )
            raise _bad_token(got, says)
        key = secrets.token_bytes(32)
        given_tokens: dict[Right, str | None] = {"change": token, "watch": view_token}
        self._tokens = {right: given for right, given in given_tokens.items() if given is not None}
        self._sessions = {
            right: hmac.new(key, given.encode(errors="replace"), sha256).hexdigest()
            for right, given in self._tokens.items()
        }

    def session_for(self, token: str) -> str | None:
        """Give the value of the cookie to who knows a token."""
        right = _matching(token, self._tokens)
        return None if right is None else self._sessions[right]

    def refusal(self, headers: Headers, path: str, method: str = "GET") -> Refusal | None:
        """Say why a request may not come in; None if it may. path: without the prefix of a proxy."""
        elsewhere = self._elsewhere(headers)
        if elsewhere is not None or not self._tokens or path.startswith(_OPEN_PATHS):
            return elsewhere
        right = self.right(headers)
        if right is None:
            return Refusal(401, "A token is needed, as `Authorization: Bearer TOKEN`.")
        if right == "watch" and method not in ("GET", "HEAD"):
            return Refusal(403, "This token gives the right to watch, not to change anything.")
        return None

    def right(self, headers: Headers) -> Right | None:
        """What who asks may do; None without a token where one is needed."""
        if not self._tokens:
            return "change"
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (right := _matching(token.strip(), self._tokens)) is not None:
            return right
        name = cookie_name(headers)
        sent = (cookie_parser(pair).get(name) for line in headers.getlist("cookie") for pair in line.split(";"))
        rights = (_matching(value, self._sessions) for value in sent if value)
        return next((right for right in rights if right is not None), None)

    def _elsewhere(self, headers: Headers) -> Refusal | None:
        """Refuse what is asked under a name, or by a page, that is not this one's."""
        host, origin = headers.get("host"), headers.get("origin")
        found = _HOST.fullmatch(host or "")
        # A monitor may speak HTTP/1.0, which needs no Host; browsers always send one.
        if host is not None and found is None and (host or not self._tokens):
            return Refusal(400, "The Host header names no host.")
        if not self._tokens and found is not None and not is_loopback(found[1]):
            return Refusal(421, "This page answers to localhost only.")  # a name somebody else points at this machine
        return None if origin is None else _foreign(origin, found)


class AccessMiddleware:
    """ASGI middleware that turns away what Access refuses, and marks in the scope who may only watch.

    login: the page that asks for a token, to which a reader of the first page is sent; without one all get a sentence.
    """

    def __init__(self, app: ASGIApp, access: Access, login: str | None = None) -> None:
        self._app, self._access, self._login, self._log = app, access, login, QuietLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = in_origin_form(scope)
        headers, path = Headers(scope=scope), scope["path"].removeprefix(scope.get("root_path", ""))
        refusal = self._access.refusal(headers, path, scope.get("method", "GET"))
        if refusal is None:
            scope.setdefault("state", {})[MAY_CHANGE] = self._access.right(headers) == "change"
            await self._app(scope, receive, send)
            return
        self._log.note("refused", who=client_address(scope), status=refusal.status)
        if scope["type"] == "websocket":
            await _refuse_websocket(refusal, send)
        else:
            login = self._login if path in ("/", "") else None
            await _answer(refusal, login)(scope, receive, send)


def in_origin_form(scope: Scope) -> Scope:
    """The same request with a path as its target: of a whole address the host counts, and not the header."""
    found = _ABSOLUTE.fullmatch(scope["path"])
    if found is None:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    path = found[2] or "/"
    headers = [(b"host", found[1].encode("latin-1", "replace")), *others]
    return {**scope, "path": path, "raw_path": quote(path).encode(), "headers": headers}


def cookie_name(headers: Headers) -> str:
    """The name of the cookie at the host and port that were asked.

    Browsers keep cookies by host, whatever the port, and send those of every page above: without the port, two rigs
    reached through one machine would take the cookie of each other.
    """
    found = _HOST.fullmatch(headers.get("host", ""))
    return f"{_COOKIE}_{found[2]}" if found is not None and found[2] else _COOKIE


def client_address(scope: Scope) -> str:
    """The address a request comes from, which is a proxy's where one stands between."""
    client = scope.get("client")
    return "unknown" if client is None else str(client[0])


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine as only itself can reach it."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _foreign(origin: str, host: re.Match[str] | None) -> Refusal | None:
    """Refuse what a page from elsewhere asks: its origin is not the host that was asked."""
    found = _ORIGIN.fullmatch(origin)
    if found is None and origin != "null":
        return Refusal(400, "The Origin header names no origin.")
    if found is not None and host is not None:
        usual = _PORTS[found[1].lower()]
        if (found[2].lower(), found[3] or usual) == (host[1].lower(), host[2] or usual):
            return None
    return Refusal(403, "Requests made by pages of other sites are refused.")


def _answer(refusal: Refusal, login: str | None) -> Response:
    if refusal.status == 401 and login is not None:
        return RedirectResponse(login, 303)  # relative, so that it stays under the prefix of a proxy
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    return PlainTextResponse(refusal.reason, refusal.status, headers)


async def _refuse_websocket(refusal: Refusal, send: Send) -> None:
    start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": []}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": refusal.reason.encode()})


def _matching(given: str, right_ones: dict[Right, str]) -> Right | None:
    # All are compared, so that the time does not tell which one is nearly right.
    found = [right for right, value in right_ones.items() if _same(given, value)]
    return found[0] if found else None


def _same(given: str, right: str) -> bool:
    # Takes as long for a nearly right one; a lone surrogate, which JSON can hold, is no reason to fail.
    return hmac.compare_digest(given.encode(errors="replace"), right.encode(errors="replace"))


def _bad_token(got: str, says: str, option: str = "--token") -> CoconetError:
    variable = "COCONET_TOKEN" if option == "--token" else "COCONET_VIEW_TOKEN"
    return Refused(
        option,
        wanted=f"a token of at least {_SHORTEST_TOKEN} characters",
        got=got,
        # Not as one line of a shell: what stands behind a name and an equals sign is hidden in messages.
        remedy=f"Make one with python3 -c 'import secrets; print(secrets.token_urlsafe())', and set {variable} to it.",
        says=says,
    )
