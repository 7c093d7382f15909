"""A log of latencies: what every stage of a frame's way took, and percentiles over the newest frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.frame import FusedFrame

HISTORY_FRAMES = 100_000
"""Percentiles are over this many of the last frames, an hour at 30 a second: memory must not grow for weeks."""

Measure = Literal["prepare", "queue", "fuse", "sink queue", "write", "capture to fused", "skew"]
"""Milliseconds of a frame's way, and how far its two pictures were apart."""

STAGES: tuple[Measure, ...] = ("prepare", "queue", "fuse", "sink queue", "write")


@dataclass(frozen=True)
class Percentiles:
    """The values that 50, 95 and 99 per cent of the samples do not exceed, linear between neighbours."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[float] | NDArray[np.float64]) -> Percentiles:
        """Percentiles of at least one sample."""
        places = (len(samples) - 1) * np.array([0.50, 0.95, 0.99])
        # As np.percentile has it, which imports NumPy's masked arrays for it: 10 ms of every run.
        return cls(*map(float, np.interp(places, np.arange(len(samples)), np.sort(samples))))


@dataclass(frozen=True)
class StageTime:
    """How long one stage of a frame's way took.

    stage: prepare (thermal front end and alignment), queue (waiting for the backend), fuse, sink queue (waiting to be
    written) or write.
    """

    stage: str
    ms: Percentiles


class _Recent:
    """The last `size` values, in memory that is all taken at once: as a deque it would grow for the first hour."""

    def __init__(self, size: int) -> None:
        self._values: NDArray[np.float64] = np.full(size, np.nan)
        self._count = 0

    def append(self, value: float) -> None:
        self._values[self._count % len(self._values)] = value
        self._count += 1

    def last(self, most: int) -> NDArray[np.float64]:
        """A copy of the newest values, at most this many, in no particular order."""
        size, end = len(self._values), self._count % len(self._values)
        if self._count <= size:
            return self._values[max(0, self._count - most) : self._count].copy()
        return self._values[np.arange(end - min(most, size), end) % size]


class LatencyLog:
    """Takes one line per fused frame. frames: how many there were, also those no longer remembered.

    passed_through: how many of them show one camera alone; those are not timed.
    taken_over: how many a local model made, as the server that was asked was lost. without_server: how many of those
    passed through show the visible camera alone because of that, though both cameras were there.
    """

    def __init__(self, history_frames: int = HISTORY_FRAMES) -> None:
        self.frames = self.passed_through = self.taken_over = self.without_server = 0
        self._samples: defaultdict[Measure, _Recent] = defaultdict(lambda: _Recent(history_frames))

    def add(self, frame: FusedFrame) -> None:
        """Remember a frame's times and its skew, whichever camera was early."""
        self.frames += 1
        self.taken_over += frame.taken_over
        self.without_server += frame.without_server
        if frame.pair.missing:
            self.passed_through += 1
            return
        self._samples["prepare"].append(frame.pair.prepare_ms)
        self._samples["queue"].append(frame.queued_ms)
        self._samples["fuse"].append(frame.latency_ms)
        self._samples["skew"].append(abs(frame.pair.skew_ns) / 1e6)
        if frame.capture_to_fused_ms is not None:
            self._samples["capture to fused"].append(frame.capture_to_fused_ms)

    def add_write(self, queued_ms: float, write_ms: float) -> None:
        """Remember how long a frame waited to be written, and how long writing it took."""
        self._samples["sink queue"].append(queued_ms)
        self._samples["write"].append(write_ms)

    def newest(self, last: int = HISTORY_FRAMES) -> LatencySamples:
        """A copy of at most `last` of the newest samples of each measure, which further frames do not change."""
        return LatencySamples({measure: recent.last(last) for measure, recent in self._samples.items()})


@dataclass(frozen=True)
class LatencySamples:
    """Milliseconds that were measured: percentiles over many of them take long, so a log is not held meanwhile."""

    samples: Mapping[Measure, NDArray[np.float64]]

    def percentiles(self, measure: Measure) -> Percentiles | None:
        """Percentiles over the samples of a measure; None if there is none."""
        found = self.samples.get(measure)
        return None if found is None else Percentiles.of(found)

    def stages(self) -> tuple[StageTime, ...]:
        """The stages that were timed, in the order of a frame's way."""
        found = ((stage, self.percentiles(stage)) for stage in STAGES)
        return tuple(StageTime(stage, ms) for stage, ms in found if ms is not None)
