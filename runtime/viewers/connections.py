"""Connections to the live page: how many there may be, in all and of one address, and how long each may take.

A request has to arrive within a deadline, headers and body. If all places are taken, the connection that has waited
longest for a request gives up its own; if none waits, a few more are let in, for the probes of monitors alone.

Bytes that cost far more to read than to send end their connection: floods of small frames of a WebSocket, chunks of a
byte, thousands of header lines, and a body that goes on after its answer.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from coconet.errors import MissingPackage
from coconet.runtime.viewers.rate_limit import RateLimit

try:
    import asyncio

    import h11
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from websockets.exceptions import ProtocolError
except ImportError as error:
    raise MissingPackage("uvicorn", job="answering over HTTP", extra="web") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn._types import ASGISendEvent
    from websockets.frames import Frame
    from websockets.http11 import Response


MAX_CONNECTIONS = 64
"""Ten viewers need about thirty: a browser opens several at once."""

MAX_PER_ADDRESS = 48
"""Enough for a proxy with every viewer behind it, and a few left for others.

An address of IPv6 is its network of 64 bits, of which a host has as many addresses as it likes.
"""

MAX_FRAMES, FRAMES_PER_S = 500, 250
"""Frames that a viewer may send at once and per second: several for each picture of any screen, whatever their kind."""

MAX_HEADER_LINES = 100
"""Of a request; browsers send about twenty."""

LARGEST_HEAD = 16 * 1024
"""Bytes of a request line and its headers, however many of them come at once."""

FREE_CHUNKS, BYTES_PER_CHUNK = 32, 64
"""Chunks that a body may come in, whatever their size; of more, the mean has to hold this many bytes."""

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

_PARTING_S = 1.5  # for the app's last words, of the two seconds that all connections get

_LEFTOVER_S = 2.0  # for the rest of a body that was answered before its end; it is thrown away

_STUCK_S = 30.0  # for the other side to take what has been sent


class GuardedHttp(H11Protocol):
    """HTTP on one connection, which has a deadline for every request and every answer.

    probes_only: it came when all places were taken. since_s: when it began to wait for its next request.
    """

    probes_only = False
    since_s = 0.0
    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _leftover: asyncio.TimerHandle | None = None
    _lines = _chunks = _bytes = 0

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        next_event = self.conn.next_event

        def counted() -> Any:
            event = next_event()
            self._count(event)
            return event

        self.conn.next_event = counted  # type: ignore[method-assign]

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
        for timer in (self._deadline, self._stuck, self._leftover):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless it is not worth reading."""
        if self._leftover is not None:
            return
        if self.conn.their_state is h11.IDLE:
            self._lines += data.partition(b"\r\n\r\n")[0].count(b"\n")
            if self._lines > MAX_HEADER_LINES:
                self.send_400_response("Too many header lines.")
                return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.since_s = self.loop.time()
        if self.conn.their_state is h11.SEND_BODY:  # it would be read for nothing; closed now, the answer could be lost
            self._leftover = self.loop.call_later(_LEFTOVER_S, self.give_up)
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

    def _count(self, event: object) -> None:
        """Hold the parts of a request against their limits. Raises RemoteProtocolError beyond them."""
        if isinstance(event, h11.Request):
            self._lines = self._chunks = self._bytes = 0
            lengths = (len(name) + len(value) for name, value in event.headers)
            if len(event.target) + sum(lengths) > LARGEST_HEAD:  # h11 counts only what waits for its end
                raise h11.RemoteProtocolError("too large a head")
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._bytes += len(event.data)
            if self._chunks > FREE_CHUNKS + self._bytes // BYTES_PER_CHUNK:
                raise h11.RemoteProtocolError("too many chunks")

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
    """A WebSocket whose every answer is as careful as those of HTTP.

    Its other side may not be stuck for ever; when it sends more frames than it may, it is closed with 1008.
    """

    _stuck: asyncio.TimerHandle | None = None
    _parting: asyncio.TimerHandle | None = None

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        send_response = self.conn.send_response

        def careful(response: Response) -> None:
            for name, value in SAFE_HEADERS.items():
                if name not in response.headers:
                    response.headers[name] = value
            send_response(response)

        self.conn.send_response = careful  # type: ignore[method-assign]
        allowance, recv_frame = RateLimit(MAX_FRAMES, 1 / FRAMES_PER_S, self.loop.time), self.conn.recv_frame

        def counted(frame: Frame) -> None:
            if not allowance.take():
                self.conn.fail(1008, "Too many frames.")
                raise ProtocolError("too many frames")  # ends the reading of what has come
            recv_frame(frame)

        self.conn.recv_frame = counted  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._stuck, self._parting):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Leave the last words to the app, which knows why it ends; without them the server's own end it in a while."""
        if self.handshake_complete and not self.close_sent:
            self._parting = self.loop.call_later(_PARTING_S, super().shutdown)
        else:
            super().shutdown()

    async def send(self, message: ASGISendEvent) -> None:
        """Pass on what the app sends; once the server ends, nothing comes after a goodbye."""
        await super().send(message)
        if self._parting is not None and self.close_sent:
            super().shutdown()

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
