"""The board: the newest fused frame, for whoever looks at it from another thread."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from runtime.frame import FusedFrame

_SHORTEST_S = 0.022  # more than 45 pictures a second nobody sees, and every one would have to be encoded

Told = asyncio.Future[None]


@dataclass(frozen=True)
class Posted:
    """A fused frame and its number on the board, which counts from 1."""

    serial: int
    frame: FusedFrame


class BoardClosed(Exception):
    """No more frames will come."""


class Board:
    """The loop posts frames, and is never kept waiting; viewers wait in an event loop for the next one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._newest: Posted | None = None
        self._posted_s = -1.0
        self._waiting: set[Told] = set()
        self._closed = False

    @property
    def newest(self) -> Posted | None:
        """The frame that was posted last; None before the first."""
        return self._newest

    def post(self, frame: FusedFrame) -> None:
        """Put up a frame, unless the last one has hardly been there."""
        now_s = time.monotonic()
        if now_s - self._posted_s < _SHORTEST_S:
            return
        with self._lock:
            self._posted_s = now_s
            self._newest = Posted(1 if self._newest is None else self._newest.serial + 1, frame)
        self._wake()

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop in {told.get_loop() for told in waiting}:
            with suppress(RuntimeError):  # an event loop that has closed has nobody left to tell
                loop.call_soon_threadsafe(_tell, [told for told in waiting if told.get_loop() is loop])

    async def newer_than(self, serial: int) -> Posted:
        """Wait for a frame of a higher number; it is the newest, whatever came between. Raises BoardClosed."""
        while True:
            with self._lock:
                if self._closed:
                    raise BoardClosed
                if self._newest is not None and self._newest.serial > serial:
                    return self._newest
                told: Told = asyncio.get_running_loop().create_future()
                self._waiting.add(told)
            try:
                await told
            finally:
                with self._lock:
                    self._waiting.discard(told)


def _tell(waiting: list[Told]) -> None:
    for told in waiting:
        if not told.done():
            told.set_result(None)
