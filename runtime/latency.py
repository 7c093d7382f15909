"""Latency: what every frame took and how far its two pictures were apart, kept for a report."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from runtime.frame import FusedFrame

HISTORY_FRAMES = 100_000
"""Percentiles are over the last so many frames, an hour at 30 a second: a rig that runs for weeks must not grow."""


@dataclass(frozen=True)
class Percentiles:
    """The values that 50, 95 and 99 per cent of the samples do not exceed, linear between neighbours."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Percentiles:
        """Percentiles of at least one sample."""
        return cls(*(float(value) for value in np.percentile(list(samples), (50, 95, 99))))


class LatencyLog:
    """Takes one line per fused frame. frames: how many there were, also those no longer remembered."""

    def __init__(self, history_frames: int = HISTORY_FRAMES) -> None:
        self.frames = 0
        self._latencies_ms: deque[float] = deque(maxlen=history_frames)
        self._skews_ms: deque[float] = deque(maxlen=history_frames)

    def add(self, frame: FusedFrame) -> None:
        """Remember a frame's latency and its skew, whichever camera was early."""
        self.frames += 1
        self._latencies_ms.append(frame.latency_ms)
        self._skews_ms.append(abs(frame.pair.skew_ns) / 1e6)

    @property
    def latency_ms(self) -> Percentiles:
        """Latencies so far; at least one frame must have been added."""
        return Percentiles.of(self._latencies_ms)

    @property
    def skew_ms(self) -> Percentiles:
        """Absolute skews so far; at least one frame must have been added."""
        return Percentiles.of(self._skews_ms)
