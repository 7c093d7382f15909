"""The vitals of a running rig: what it does at this moment, as one fact that a page, a log or a test can read."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from coconet.signature import ModelCard, Precision
from runtime.frame import FusedFrame
from runtime.health import CameraHealth
from runtime.latency import LatencyLog, Percentiles, StageTime

RECENT_FRAMES = 150
"""Percentiles are over the last so many fused frames, five seconds at 30 a second."""

OnFrame = Callable[[FusedFrame], None]

RigHealth = Callable[[], tuple[CameraHealth | None, CameraHealth | None]]
"""Gives the health of the visible and the infrared camera now."""


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
    precision: Precision
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
    """Takes what a run tells about itself and gives its vitals; the run writes, any thread reads."""

    def __init__(self, on_frame: OnFrame | None = None) -> None:
        """Prepare to be told; on_frame is called in the loop after every fused frame, so it must be quick."""
        self._on_frame: list[OnFrame] = [] if on_frame is None else [on_frame]
        self._lock = Lock()
        self._log = LatencyLog(RECENT_FRAMES)
        self._moments: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._card: ModelCard | None = None
        self._backend = ""
        self._health: RigHealth | None = None
        self._superseded: Callable[[], int] = lambda: 0
        self._drift_px: Callable[[], float | None] = lambda: None

    def on_frame(self, told: OnFrame) -> None:
        """Call this too after every fused frame."""
        self._on_frame.append(told)

    def begin(self, card: ModelCard, backend: str, superseded: Callable[[], int]) -> None:
        """Say which model runs on what, and who counts the pairs that are thrown away."""
        with self._lock:
            self._card, self._backend, self._superseded = card, backend, superseded

    def watch(self, health: RigHealth, drift_px: Callable[[], float | None]) -> None:
        """Say who knows how the cameras and their alignment are."""
        with self._lock:
            self._health, self._drift_px = health, drift_px

    def note(self, frame: FusedFrame) -> None:
        """Take a fused frame."""
        with self._lock:
            self._log.add(frame)
            self._moments.append(time.monotonic())
        for told in self._on_frame:
            told(frame)

    def note_written(self, queued_ms: float, write_ms: float) -> None:
        """Take how long a frame waited to be written, and how long writing it took."""
        with self._lock:
            self._log.add_write(queued_ms, write_ms)

    def vitals(self) -> Vitals | None:
        """What is known now; None before a run has begun."""
        with self._lock:
            if self._card is None:
                return None
            cameras = self._health() if self._health else (None, None)
            log = self._log
            return Vitals(
                model=self._card.network,
                precision=self._card.precision,
                backend=self._backend,
                visible=cameras[0],
                infrared=cameras[1],
                fused=log.frames,
                passed_through=log.passed_through,
                fps=self._fps(),
                latency_ms=log.percentiles("fuse"),
                capture_to_fused_ms=log.percentiles("capture to fused"),
                skew_ms=log.percentiles("skew"),
                stages=log.stages,
                superseded=self._superseded(),
                drift_px=self._drift_px(),
            )

    def _fps(self) -> float:
        """The rate over the remembered frames, which falls towards 0 once no more come."""
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(time.monotonic() - self._moments[0], 1e-9)
