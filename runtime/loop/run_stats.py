"""Run statistics: states, rates, latencies and skew of a running rig, as one record for page, log and report."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PrecisionName
from coconet.runtime.frame import FusedFrame
from coconet.runtime.pairing.camera_health import CameraHealth

HISTORY_FRAMES = 100_000
"""Percentiles are over the last so many frames, an hour at 30 a second: a rig that runs for weeks must not grow."""

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
        return cls(*(float(value) for value in np.percentile(samples, (50, 95, 99))))


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
        """The newest values, at most this many, in no particular order."""
        size, end = len(self._values), self._count % len(self._values)
        if self._count <= size:
            return self._values[max(0, self._count - most) : self._count]
        return self._values[np.arange(end - min(most, size), end) % size]


class LatencyLog:
    """Takes one line per fused frame. frames: how many there were, also those no longer remembered.

    passed_through: how many of them show one camera alone, because the other was not there; those are not timed.
    """

    def __init__(self, history_frames: int = HISTORY_FRAMES) -> None:
        self.frames = self.passed_through = 0
        self._samples: defaultdict[Measure, _Recent] = defaultdict(lambda: _Recent(history_frames))

    def add(self, frame: FusedFrame) -> None:
        """Remember a frame's times and its skew, whichever camera was early."""
        self.frames += 1
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

    def percentiles(self, measure: Measure, last: int = HISTORY_FRAMES) -> Percentiles | None:
        """Percentiles over at most `last` of the newest samples; None if there is none."""
        recent = self._samples.get(measure)
        return None if recent is None else Percentiles.of(recent.last(last))

    def stages(self, last: int = HISTORY_FRAMES) -> tuple[StageTime, ...]:
        """The stages that were timed, in the order of a frame's way."""
        found = ((stage, self.percentiles(stage, last)) for stage in STAGES)
        return tuple(StageTime(stage, ms) for stage, ms in found if ms is not None)


RECENT_FRAMES = 150
"""Percentiles are over the last so many fused frames, five seconds at 30 a second."""

OnFrame = Callable[[FusedFrame], object]

RigHealth = Callable[[], tuple[CameraHealth | None, CameraHealth | None]]
"""Gives the health of the visible and the infrared camera now."""


@dataclass(frozen=True)
class Figures:
    """What the record of a run says at one moment: counts over all of the run, percentiles over its newest frames.

    seconds: since the run began. The other fields are those of RunReport and Vitals, which are made of them.
    """

    model: str
    precision: PrecisionName
    backend: str
    fused: int
    passed_through: int
    seconds: float
    latency_ms: Percentiles | None
    capture_to_fused_ms: Percentiles | None
    skew_ms: Percentiles | None
    stages: tuple[StageTime, ...]
    superseded: int


@dataclass(frozen=True)
class Vitals:
    """What a rig does at one moment; percentiles are over the last RECENT_FRAMES frames, counts over the whole run.

    visible, infrared: the cameras, None where nobody watches them (recordings). fused: frames that were fused or passed
    through. passed_through: those of them that show one camera alone. fps: fused frames a second.
    latency_ms: the backend. capture_to_fused_ms: from the later stamp of a pair to its picture, None for recordings.
    skew_ms: between the two stamps of a pair, absolute. stages: every stage that was timed.
    superseded: prepared pairs that were thrown away for a newer one. drift_px: how far the alignment seems to be off,
    None while that is not known.
    """

    model: str
    precision: PrecisionName
    backend: str
    visible: CameraHealth | None
    infrared: CameraHealth | None
    fused: int
    passed_through: int
    fps: float
    latency_ms: Percentiles | None
    capture_to_fused_ms: Percentiles | None
    skew_ms: Percentiles | None
    stages: tuple[StageTime, ...]
    superseded: int = 0
    drift_px: float | None = None

    def to_json(self) -> str:
        """One line of JSON; units are in the names."""
        return json.dumps(dataclasses.asdict(self))


class Gauge:
    """The record of a run: the loop books every frame once, and any thread reads what it has come to."""

    def __init__(self, on_frame: OnFrame | None = None) -> None:
        """Prepare the record; on_frame is called in the loop after every fused frame, so it must be quick."""
        self._on_frame: list[OnFrame] = [] if on_frame is None else [on_frame]
        self._lock = Lock()
        self._log = LatencyLog()
        self._moments: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._card: ModelCard | None = None
        self._backend, self._begun_s = "", 0.0
        self._health: RigHealth | None = None
        self._superseded: Callable[[], int] = lambda: 0
        self._drift_px: Callable[[], float | None] = lambda: None

    def on_frame(self, call: OnFrame) -> None:
        """Call this too after every fused frame."""
        self._on_frame.append(call)

    def begin(self, card: ModelCard, backend: str, superseded: Callable[[], int]) -> None:
        """Begin the record of a run: which model runs on what, and what counts the pairs that are thrown away."""
        with self._lock:
            self._card, self._backend, self._superseded = card, backend, superseded
            self._log, self._begun_s = LatencyLog(), time.perf_counter()
            self._moments.clear()

    def watch(self, health: RigHealth, drift_px: Callable[[], float | None]) -> None:
        """Say what knows how the cameras and their alignment are."""
        with self._lock:
            self._health, self._drift_px = health, drift_px

    def note(self, frame: FusedFrame) -> None:
        """Book a fused frame."""
        with self._lock:
            self._log.add(frame)
            self._moments.append(time.monotonic())
        for call in self._on_frame:
            call(frame)

    def note_written(self, queued_ms: float, write_ms: float) -> None:
        """Book how long a frame waited to be written, and how long writing it took."""
        with self._lock:
            self._log.add_write(queued_ms, write_ms)

    @property
    def fused(self) -> int:
        """How many frames of the run were booked."""
        return self._log.frames

    def figures(self) -> Figures:
        """What the whole run has come to; raises RuntimeError before it has begun."""
        with self._lock:
            return self._figures(HISTORY_FRAMES)

    def vitals(self) -> Vitals | None:
        """How the run is now; None before it has begun."""
        with self._lock:
            if self._card is None:
                return None
            cameras = self._health() if self._health else (None, None)
            now = self._figures(RECENT_FRAMES)
            return Vitals(
                model=now.model,
                precision=now.precision,
                backend=now.backend,
                visible=cameras[0],
                infrared=cameras[1],
                fused=now.fused,
                passed_through=now.passed_through,
                fps=self._fps(),
                latency_ms=now.latency_ms,
                capture_to_fused_ms=now.capture_to_fused_ms,
                skew_ms=now.skew_ms,
                stages=now.stages,
                superseded=now.superseded,
                drift_px=self._drift_px(),
            )

    def _figures(self, last: int) -> Figures:
        card, log = self._card, self._log
        if card is None:
            raise RuntimeError("a record has figures once its run has begun")
        return Figures(
            model=card.network,
            precision=card.precision,
            backend=self._backend,
            fused=log.frames,
            passed_through=log.passed_through,
            seconds=time.perf_counter() - self._begun_s,
            latency_ms=log.percentiles("fuse", last),
            capture_to_fused_ms=log.percentiles("capture to fused", last),
            skew_ms=log.percentiles("skew", last),
            stages=log.stages(last),
            superseded=self._superseded(),
        )

    def _fps(self) -> float:
        """The rate over the remembered frames, which falls towards 0 once no more come."""
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(time.monotonic() - self._moments[0], 1e-9)
