"""A web server in a thread of its own, which takes few connections and gives silent ones up."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.threads.background import Background
from coconet.runtime.viewers.connections import (
    LARGEST_HEAD,
    MAX_CONNECTIONS,
    SAFE_HEADERS,
    GuardedHttp,
    GuardedWebSocket,
)
from coconet.runtime.viewers.rate_limit import QuietLog, locate_error

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import asyncio

    import uvicorn
    from starlette.types import ASGIApp
except ImportError as error:
    raise MissingPackage("uvicorn", job="answering over HTTP", extra="web") from error


_LARGEST_MESSAGE = 4096  # of a WebSocket, in bytes; a viewer's wish takes a hundred

_ACCEPTED = 16
"""Connections taken at one turn of the event loop: fewer than there are places, so that each is read once before others
push it out."""

_START_S, _STOP_S = 10.0, 2

_END_S = 3.0  # after the last connection was given up, for the event loop itself


class WebServer(Background):
    """A context manager: inside its block an ASGI app is served. url: where, without any secret."""

    def __init__(self, app: ASGIApp, host: str, port: int, http: type[GuardedHttp] = GuardedHttp) -> None:
        """Prepare to serve on a host and port; port 0 takes any that is free. http: what reads each connection."""
        super().__init__(self._serve, "web server")
        self._host, self._port = host.strip("[]"), port
        self._log = QuietLog()
        self._listener: socket.socket | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=http,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                ws=GuardedWebSocket,
                backlog=_ACCEPTED,
                ws_max_size=_LARGEST_MESSAGE,
                ws_per_message_deflate=False,  # JPEG does not get smaller
                lifespan="off",
                log_config=None,
                log_level="critical",  # a line for every odd request, or a traceback, would let anybody fill the log
                access_log=False,
                server_header=False,
                proxy_headers=False,
                headers=list(SAFE_HEADERS.items()),
                timeout_graceful_shutdown=_STOP_S,
            )
        )

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def __enter__(self) -> Self:
        self._listener = self._listening()
        self._port = self._listener.getsockname()[1]
        self.start()
        begun = time.monotonic()
        while not self._server.started and self.running and time.monotonic() - begun < _START_S:
            time.sleep(0.01)
        self.check()
        self._listener.listen(MAX_CONNECTIONS)  # more may wait than are taken at one turn
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self.stop(_STOP_S + _END_S)
        super().__exit__(kind, error, trace)

    def _serve(self) -> None:
        if self._listener is not None:
            with closing(self._listener):
                asyncio.run(self._served(self._listener))

    async def _served(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().set_exception_handler(self._note_failure)
        await self._server.serve(sockets=[listener])

    def _note_failure(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log in one line what a connection raised outside every request; others go on."""
        error = context.get("exception")
        if not isinstance(error, ConnectionError):
            self._log.note("page failed", error=context.get("message", "") if error is None else locate_error(error))

    def _listening(self) -> socket.socket:
        try:
            family = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((self._host, self._port), family=family, backlog=MAX_CONNECTIONS)
        except (OSError, ValueError) as error:  # ValueError: no name that a host can have
            number = (error.errno or 0) if isinstance(error, OSError) else 0  # below 0: of a name without an address
            reason = os.strerror(number) if number > 0 else "there is no such host"
            raise CoconetError(
                f"{self._host[:80]}:{self._port}",
                wanted="a host of this machine and a free port",
                got=getattr(error, "strerror", None) or "no such host",
                remedy="Choose another --port, or 0 for any that is free.",
                says=f"cannot be opened: {reason}",
            ) from error
