"""The latest frame, for viewers in other threads: encoded once as JPEG however many ask, and only if one does."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import NoReturn

from coconet.media.encoding.jpeg import encode_jpeg
from coconet.media.pixels import as_bgr
from coconet.runtime.badge import add_alarms
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import Look

_SHORTEST_S = 0.022  # 45 pictures a second look smooth, and every further one would have to be encoded

Told = asyncio.Future[None]


@dataclass(frozen=True)
class NumberedFrame:
    """A fused frame and its number on the board, which counts from 1. alarms: those that were on then."""

    serial: int
    frame: FusedFrame
    alarms: tuple[str, ...] = ()


class LatestFrameClosed(Exception):
    """No more frames will come; says why, in a sentence."""


class LatestFrame:
    """The loop posts frames, and is never kept waiting; viewers wait in an event loop for the next one."""

    def __init__(self, alarms: Callable[[], tuple[str, ...]] = tuple) -> None:
        """Prepare the board. alarms: gives the names of the alarms that are on."""
        self._alarms = alarms
        self._lock = Lock()
        self._newest: NumberedFrame | None = None
        self._posted_s = -1.0
        self._waiting: set[Told] = set()
        self._ended: str | None = None

    @property
    def newest(self) -> NumberedFrame | None:
        """The frame that was posted last; None before the first."""
        return self._newest

    def post(self, frame: FusedFrame) -> None:
        """Put up a frame, unless the last one has hardly been there."""
        now_s = time.monotonic()
        if now_s - self._posted_s < _SHORTEST_S:
            return
        with self._lock:
            self._posted_s = now_s
            serial = 1 if self._newest is None else self._newest.serial + 1
            self._newest = NumberedFrame(serial, frame, self._alarms())
        self._wake()

    def close(self, why: str = "The run has ended.") -> None:
        """End every wait. why: the reason that viewers get, in 120 characters at most."""
        self._ended = why
        self._wake()

    def check_open(self) -> None:
        """Raise LatestFrameClosed if no more frames will come."""
        if self._ended is not None:
            raise LatestFrameClosed(self._ended)

    async def closing(self) -> NoReturn:
        """Wait until no more frames will come. Raises LatestFrameClosed."""
        while True:
            await self.newer_than(sys.maxsize)

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop in {told.get_loop() for told in waiting}:
            with suppress(RuntimeError):  # an event loop that has closed: none of its tasks waits any more
                loop.call_soon_threadsafe(_resolve, [told for told in waiting if told.get_loop() is loop])

    async def newer_than(self, serial: int) -> NumberedFrame:
        """Wait for a frame of a higher number; it is the newest, whatever came between. Raises LatestFrameClosed."""
        while True:
            with self._lock:
                self.check_open()
                if self._newest is not None and self._newest.serial > serial:
                    return self._newest
                told: Told = asyncio.get_running_loop().create_future()
                self._waiting.add(told)
            try:
                await told
            finally:
                with self._lock:
                    self._waiting.discard(told)


def _resolve(waiting: list[Told]) -> None:
    for told in waiting:
        if not told.done():
            told.set_result(None)


_QUALITY = 82  # of 100: noise and edges of a fused picture stay, at a tenth of the bytes of a PNG

_KEPT = 12  # every view of the newest frame, and some of the one before, for viewers that are a moment late


class Jpegs:
    """Encodes in a thread of its own; encoded: how many pictures so far."""

    def __init__(self, renderer: Renderer | None = None) -> None:
        """renderer: draws what is encoded."""
        self.renderer = renderer or Renderer()
        self.encoded = 0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jpeg")
        self._asked: dict[tuple[int, Look], Future[bytes]] = {}

    def of(self, posted: NumberedFrame, look: Look) -> Future[bytes]:
        """Give the bytes of a picture, once they are there; the same ones for every viewer."""
        key = (posted.serial, self.renderer.normal(look))
        with self._lock:
            if key not in self._asked:
                self._asked[key] = self._pool.submit(self._encode, posted, look)
                if len(self._asked) > _KEPT:
                    del self._asked[next(iter(self._asked))]
            return self._asked[key]

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def _encode(self, posted: NumberedFrame, look: Look) -> bytes:
        self.encoded += 1
        pixels = self.renderer.draw(posted.frame, look)
        if posted.alarms:
            pixels = add_alarms(as_bgr(pixels), posted.alarms)  # in red, over a gray picture too
        return encode_jpeg(pixels, _QUALITY)
