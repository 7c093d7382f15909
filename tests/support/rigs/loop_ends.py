"""The two ends of a loop: a recording that gives pairs, and a shelf that keeps what was fused."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import numpy as np

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts
from coconet.runtime.sinks.sink import NoSink


class Recording:
    """N gray pairs, 40 ms apart and 5 ms askew; then, perhaps, an error."""

    realtime = False

    def __init__(self, length: int, end: BaseException | None = None) -> None:
        self.length, self.end, self.given = length, end, 0

    def until(self, stop: Event) -> Iterator[FramePair]:
        for index in range(self.length):
            self.given += 1
            pixels, stamp = np.full((16, 16, 1), index, np.uint8), index * 40_000_000
            yield FramePair(Frame(pixels, stamp, index), Frame(pixels, stamp - 5_000_000, index))
        if self.end is not None:
            raise self.end

    @property
    def counts(self) -> StreamCounts:
        count = CameraCount(self.given, self.given, 0)
        return StreamCounts(count, count)


class Shelf(NoSink):
    """Keeps frames; fails at number `fails_at`."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.frames: list[FusedFrame] = []
        self.ends: list[str] = []
        self.fails_at = fails_at

    def write(self, frame: FusedFrame) -> None:
        if len(self.frames) == self.fails_at:
            raise CoconetError("shelf", wanted="space", got="none", remedy="Tidy up.", says="has no space")
        self.frames.append(frame)

    def close(self) -> None:
        self.ends.append("closed")

    def discard(self) -> None:
        self.ends.append("discarded")
