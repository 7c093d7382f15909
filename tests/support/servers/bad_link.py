"""A link to a server that delays what comes back, swallows it, or cuts, as a test says meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from tests.support.programs.patience import PATIENCE_S


class BadLink:
    """A proxy of TCP. delay_s: added to whatever the server sends. silent: what it sends is swallowed from now on.
    scheme: what is spoken over it.

    `cut` closes all connections and takes no new ones until `repair`.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.delay_s, self.silent, self.down = 0.0, Event(), Event()
        self.scheme = "http"
        self._target, self._ended = target, Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break everything off."""
        self.down.set()
        for one in tuple(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def repair(self) -> None:
        """Let through again, at once and everything."""
        self.delay_s = 0.0
        self.silent.clear()
        self.down.clear()

    def close(self) -> None:
        """End."""
        self._ended.set()
        self.cut()
        self._thread.join(PATIENCE_S)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                if self.down.is_set():
                    near.close()
                    continue
                far = socket.create_connection(self._target, PATIENCE_S)
                near.settimeout(PATIENCE_S)
                self._open += [near, far]
                for source, sink, back in ((near, far, False), (far, near, True)):
                    Thread(target=self._copy, args=(source, sink, back), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if back and self.delay_s:
                    time.sleep(self.delay_s)
                if not (back and self.silent.is_set()):
                    sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.close()


@contextmanager
def bad_link(target: tuple[str, int]) -> Iterator[BadLink]:
    """A link to a server inside the block, good at first."""
    link = BadLink(target)
    try:
        yield link
    finally:
        link.close()
