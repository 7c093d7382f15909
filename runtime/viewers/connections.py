"""Connections to the live page: how many there may be, in all and of one address, and how long each may take.

A request has to arrive within a deadline, headers and body. If all places are taken, the connection that has waited
longest for a request gives up its own; if none waits, a few more are let in, for the probes of monitors alone.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from coconet.errors import MissingPackage

try:
    import asyncio

    import h11
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
except ImportError as error:
    raise MissingPackage("uvicorn", job="the live page", extra="web") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from websockets.http11 import Response


MAX_CONNECTIONS = 64
"""Ten viewers need about thirty: a browser opens several at once."""

MAX_PER_ADDRESS = 48
"""Enough for a proxy with every viewer behind it, and a few left for others.

An address of IPv6 is its network of 64 bits, of which a host has as many addresses as it likes.
"""

PROBE_PLACES = 8

PROBES = ("/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready")

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Of every answer: browsers load nothing from elsewhere, show the page in no other page, and keep nothing."""

_REQUEST_S = 10.0  # for a request to arrive

_PROBE_S = 2.0  # for that of a connection beyond the limits

_STUCK_S = 30.0  # for the other side to take what has been sent


class GuardedHttp(H11Protocol):
    """HTTP on one connection, which has a deadline for every request and every answer.

    probes_only: it came when all places were taken. since_s: when it began to wait for its next request.
    """

    probes_only = False
    since_s = 0.0
    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Find a place for a new connection."""
        super().connection_made(transport)
        self.since_s = self.loop.time()
        places = _Places(self, self.connections)
        if (loser := places.longest_waiting()) is not None:
            loser.give_up()
        elif places.taken:
            self.probes_only, self.app = True, _ProbesOnly(self.app)
            if (loser := places.oldest_probe()) is not None:
                loser.give_up()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._deadline, self._stuck):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.since_s = self.loop.time()
        super().on_response_complete()
        if self._deadline is not None and self.conn.their_state is h11.IDLE:
            self._deadline.cancel()
            self._deadline = None
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close"), *SAFE_HEADERS.items()]
            self.transport.write(self.conn.send(h11.Response(status_code=400, headers=headers, reason=b"Bad Request")))
            self.transport.write(self.conn.send(h11.Data(data=msg.encode())))
            self.transport.write(self.conn.send(h11.EndOfMessage()))
        self.transport.close()

    def pause_writing(self) -> None:
        """Wait for the other side to take what was sent, but not for ever."""
        super().pause_writing()
        self._stuck = self.loop.call_later(_STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    @property
    def receiving(self) -> bool:
        """Whether a request is waited for, or has not come whole yet."""
        ours = self.transport.get_protocol() is self  # otherwise it has become a WebSocket
        return ours and self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def give_up(self) -> None:
        """Close the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        return not self.probes_only and super()._should_upgrade()

    def _watch(self) -> None:
        """Set or lift the deadline of the request."""
        if not self.receiving:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_PROBE_S if self.probes_only else _REQUEST_S, self._expire)

    def _expire(self) -> None:
        if self.receiving:
            self.give_up()


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose every answer is as careful as those of HTTP, and whose other side may not be stuck for ever."""

    _stuck: asyncio.TimerHandle | None = None

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        send_response = self.conn.send_response

        def careful(response: Response) -> None:
            for name, value in SAFE_HEADERS.items():
                if name not in response.headers:
                    response.headers[name] = value
            send_response(response)

        self.conn.send_response = careful  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._stuck is not None:
            self._stuck.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the viewer to take what was sent, but not for ever."""
        super().pause_writing()
        self._stuck = self.loop.call_later(_STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    def keepalive_timeout(self) -> None:
        """Close what does not answer, without waiting for it to take a goodbye."""
        super().keepalive_timeout()
        self.transport.abort()


class _Places:
    """The connections whose number stands in the way of a new one: those of its address, or all."""

    def __init__(self, new: GuardedHttp, connections: Iterable[object]) -> None:
        others = [one for one in connections if one is not new]
        self._probes = [one for one in others if isinstance(one, GuardedHttp) and one.probes_only]
        regular = [one for one in others if one not in self._probes]
        same = [one for one in regular if _network(one) == _network(new)]
        self._rivals = same if len(same) >= MAX_PER_ADDRESS else regular if len(regular) >= MAX_CONNECTIONS else []

    @property
    def taken(self) -> bool:
        """Whether there is no place left."""
        return bool(self._rivals)

    def longest_waiting(self) -> GuardedHttp | None:
        """The connection that takes a place and has asked nothing for longest."""
        waiting = [one for one in self._rivals if isinstance(one, GuardedHttp) and one.receiving]
        return min(waiting, key=lambda one: one.since_s, default=None)

    def oldest_probe(self) -> GuardedHttp | None:
        """The connection to give up for a new probe, where too many are open."""
        return min(self._probes, key=lambda one: one.since_s) if len(self._probes) >= PROBE_PLACES else None


def _network(connection: object) -> str:
    """The address that connections are counted by."""
    client = getattr(connection, "client", None)
    if client is None:
        return ""
    address = ip_address(str(client[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)


class _ProbesOnly:
    """ASGI middleware of a connection beyond the limits: probes are answered, all else is put off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith(PROBES):
            await self._app(scope, receive, send)
        else:
            answer = PlainTextResponse("Too many connections.", 503, {"Retry-After": "5", "Connection": "close"})
            await answer(scope, receive, send)
