"""One connection to a server, kept from request to request, and given up from another thread when it takes too long."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, IncompleteRead, RemoteDisconnected

from coconet.errors import CoconetError
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.wire import Packed

LARGEST_ANSWER = 256 * 10**6
"""Bytes; a picture of 8192x8192 has 201 million."""

_BROKEN = "an answer that broke off"


@dataclass(frozen=True)
class ServerAnswer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ServerUnreachable(CoconetError):
    """A server that cannot be reached, or that broke off."""


class ServerTimeout(ServerUnreachable):
    """A server that does not answer in time."""


class ServerConnection:
    """Asks one thing after the other; not for two threads at once, but any may call `cut`."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._open: HTTPConnection | None = None
        self._cuts = 0

    def ask(self, path: str, within_s: float, packed: Packed | None = None) -> ServerAnswer:
        """Send what is packed, or only ask, and wait for the answer. within_s: the longest silence.

        A connection that the server has closed since the last answer is opened once more. Raises ServerUnreachable.
        """
        cuts, kept = self._cuts, self._open
        try:
            if kept is not None:
                try:
                    return self._asked(kept, path, within_s, packed)
                except (OSError, HTTPException) as error:
                    if isinstance(error, TimeoutError) or self._cuts != cuts:
                        raise
                    kept.close()
            self._open = fresh = HTTPConnection(self._address.host, self._address.port, timeout=within_s)
            fresh.connect()
            fresh.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._asked(fresh, path, within_s, packed)
        except (OSError, HTTPException, AttributeError, ValueError) as error:  # the last two: cut meanwhile
            self.cut()
            raise self._gone(error) from error

    def cut(self) -> None:
        """Close the connection; a request that is under way in another thread ends with ServerUnreachable."""
        self._cuts += 1
        found, self._open = self._open, None
        if found is not None:
            with suppress(OSError, AttributeError):  # AttributeError: not connected yet
                found.sock.shutdown(socket.SHUT_RDWR)
            found.close()

    def _asked(self, connection: HTTPConnection, path: str, within_s: float, packed: Packed | None) -> ServerAnswer:
        connection.sock.settimeout(within_s)
        if packed is None:
            connection.request("GET", path, headers=self._address.headers)
        else:
            connection.request("POST", path, packed.body, {**self._address.headers, **packed.headers})
        answer = connection.getresponse()
        found = answer.read(LARGEST_ANSWER)
        if not answer.isclosed():
            raise HTTPException("an answer that is too long" if len(found) >= LARGEST_ANSWER else _BROKEN)
        return ServerAnswer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, found)

    def _gone(self, error: Exception) -> ServerUnreachable:
        said, silent = _said(error), isinstance(error, TimeoutError)
        says = "does not answer in time" if silent else f"cannot be reached: {said}"
        return (ServerTimeout if silent else ServerUnreachable)(
            self._address.named,
            wanted="a server that answers",
            got=said,
            remedy="Check that it runs and can be reached from here.",
            says=says,
        )


def _said(error: Exception) -> str:
    """Half a sentence, which also stands in pictures: nothing that came over the line, and no word of Python's."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, RemoteDisconnected):
        return "the connection was closed before an answer"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, (AttributeError, ValueError)):
        return "the connection was closed"
    if type(error) is HTTPException:
        return str(error)
    return _BROKEN if isinstance(error, IncompleteRead) else "an answer that is no HTTP"
