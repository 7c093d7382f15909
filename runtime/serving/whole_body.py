"""HTTP whose large bodies are read straight into the memory that is fused from, and whose answers are sent as they lie.

A body with a Content-Length that an app asks for by `whole_body` goes past h11 and ASGI, which would copy it half a
dozen times; everything else, and a body whose place in h11 is not found, goes through them. The limits and deadlines
are those of every connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from coconet.errors import MissingPackage
from coconet.runtime.viewers.connections import GuardedHttp

try:
    import asyncio

    import h11
    from starlette.requests import ClientDisconnect, Request
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise MissingPackage("starlette", job="serving models", extra="web") from error


_EXTENSION = "coconet.whole_body"

_WholeBody = Callable[[int], Awaitable["memoryview | None"]]


async def whole_body(request: Request, largest: int) -> memoryview:
    """Read the body of a request, which nothing has been read of. Raises as `Request.body` does.

    largest: bytes for which memory is taken before they have come; longer bodies are left to the limits of the app.
    """
    take: _WholeBody | None = request.scope.get("extensions", {}).get(_EXTENSION)
    taken = None if take is None else await take(largest)
    return memoryview(await request.body()) if taken is None else taken


class BodyHttp(GuardedHttp):
    """HTTP on one connection; see the file."""

    _body: _Body | None = None

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        app, pass_through = self.app, self.conn.send_with_data_passthrough

        async def offering(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), _EXTENSION: self._take}
            await app(scope, receive, send)

        def uncopied(event: Any) -> Any:
            parts = pass_through(event)
            return parts[0] if parts is not None and len(parts) == 1 else None if parts is None else b"".join(parts)

        self.app = offering
        self.conn.send = uncopied  # type: ignore[method-assign]

    @property
    def receiving(self) -> bool:
        """Whether a request is waited for, or has not come whole yet."""
        return self._body is not None or super().receiving

    async def _take(self, largest: int) -> memoryview | None:
        """Read the body of the request under way; None if it has to come the usual way."""
        begun, left = bytes(self.cycle.body), self._left()
        length = len(begun) + left
        told = [value for name, value in self.cycle.scope["headers"] if name == b"content-length"]
        if not left or length > largest or told != [b"%d" % length] or self.cycle.waiting_for_100_continue:
            return None
        memory = np.empty(length, np.uint8).data
        memory[: len(begun)] = begun
        self._body = body = _Body(self, memory[len(begun) :])
        self.transport.set_protocol(body)
        self.flow.resume_reading()
        try:
            await body.come
        finally:
            self._body = None
            if not body.come.done() or body.come.cancelled():  # nobody reads the rest
                self.give_up()
        return memory

    def _left(self) -> int:
        """How many bytes of a body of known length h11 still waits for; 0 if it does not wait for any."""
        waits = self.conn.their_state is h11.SEND_BODY and not self.cycle.disconnected
        left = getattr(getattr(self.conn, "_reader", None), "_remaining", 0) if waits else 0
        return left if isinstance(left, int) else 0

    def note_body(self) -> None:
        """Go on behind a body that has come whole: h11 hears of its end."""
        self._body = None
        self.transport.set_protocol(self)
        reader: Any = self.conn._reader  # there is no other door; `_left` has found it there
        reader._remaining = 0
        self.handle_events()
        self._watch()


class _Body(asyncio.BufferedProtocol):
    """Takes what is missing of a body, and nothing beyond it. come: when it is whole; ClientDisconnect if it breaks."""

    def __init__(self, http: BodyHttp, missing: memoryview) -> None:
        self._http, self._missing = http, missing
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Tell where to read to."""
        return self._missing

    def buffer_updated(self, nbytes: int) -> None:
        """Count what has been read."""
        self._missing = self._missing[nbytes:]
        if not self._missing:
            self._http.note_body()
            if not self.come.done():
                self.come.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the rest will not come."""
        self._http.connection_lost(exc)
        if not self.come.done():
            self.come.set_exception(ClientDisconnect())

    def eof_received(self) -> None:
        """Close: nothing more will come."""
        self._http.eof_received()

    def pause_writing(self) -> None:
        """Hand on."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._http.resume_writing()
