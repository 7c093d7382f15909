"""The record of a run: every frame is booked once; the vitals for page and log, and the report, are views of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PrecisionName
from coconet.runtime.backends.backend import Outages
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.latency_log import HISTORY_FRAMES, LatencyLog, Percentiles, StageTime
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.pairing.stream_counts import StreamCounts

if TYPE_CHECKING:
    from coconet.runtime.alarms.alarm_event import AlarmEvent
    from coconet.runtime.heat.reading import Reading

RECENT_FRAMES = 150
"""Percentiles are over this many of the last fused frames, five seconds at 30 a second."""

OnFrame = Callable[[FusedFrame], object]

RigHealth = Callable[[], tuple[CameraHealth | None, CameraHealth | None]]
"""Gives the health of the visible and the infrared camera now."""


class AlarmStatus(Protocol):
    """What the alarms of a run have to tell, to any thread."""

    def active(self) -> tuple[str, ...]:
        """The names of those that are on."""

    def as_dict(self) -> dict[str, Any]:
        """How each is, and the last events, as plain values."""

    def events(self, after: int = 0) -> Sequence[AlarmEvent]:
        """The last events of a higher serial than `after`, oldest first."""


@dataclass(frozen=True)
class RunTotals:
    """What the record of a run says at one moment: counts over all of the run, percentiles over its newest frames.

    seconds: since the run began, without the choice of what runs the model. The other fields are those of RunReport and
    Vitals, which are made of them.
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
    taken_over: int
    without_server: int
    server_losses: int
    server_lost_s: float


@dataclass(frozen=True)
class Vitals:
    """What a rig does at one moment; percentiles are over the last RECENT_FRAMES frames, counts over the whole run.

    visible, infrared: the cameras, None if nobody watches them (recordings). fused: frames that were fused or passed
    through. passed_through: those of them that show one camera alone. fps: fused frames a second.
    latency_ms: the backend. capture_to_fused_ms: from the later stamp of a pair to its picture, None for recordings.
    skew_ms: between the two stamps of a pair, absolute. stages: every stage that was timed.
    superseded: prepared pairs that were thrown away for a newer one. drift_px: how far the alignment seems to be off,
    None while that is not known. pairing_trouble: why two live cameras give no pairs, empty while they do.
    output_trouble: why the output is not written any more, empty while it is.
    model_trouble: why the server of the model is lost, empty while it answers and of models on this machine.
    meters: what they read from the newest frame. taken_over: frames that a local model fused, as the server was lost.
    without_server: those passed through because of that, without a local model. server_losses: how often it was lost.
    server_lost_s: for how many seconds together, until now if it still is.
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
    pairing_trouble: str = ""
    output_trouble: str = ""
    model_trouble: str = ""
    meters: tuple[Reading, ...] = ()
    taken_over: int = 0
    without_server: int = 0
    server_losses: int = 0
    server_lost_s: float = 0.0

    def to_json(self) -> str:
        """One line of JSON; units are in the names."""
        return json.dumps(dataclasses.asdict(self))


class RunStats:
    """The record of a run: the loop books every frame once, and any thread reads what it has come to."""

    def __init__(self, on_frame: OnFrame | None = None) -> None:
        """Prepare the record; on_frame is called in the loop after every fused frame, so it must be quick."""
        self._on_frame: list[OnFrame] = [] if on_frame is None else [on_frame]
        self._lock = Lock()
        self._log = LatencyLog()
        self._moments: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._card: ModelCard | None = None
        self._backend, self._begun_s = "", 0.0
        self._readings: tuple[Reading, ...] = ()
        self._health: RigHealth | None = None
        self._superseded: Callable[[], int] = lambda: 0
        self._drift_px: Callable[[], float | None] = lambda: None
        self._pairing_trouble: Callable[[], str] = str
        self._counts: Callable[[], StreamCounts] = StreamCounts
        self._output_trouble: Callable[[], str] = str
        self._model_trouble: Callable[[], str] = str
        self._model_outages: Callable[[], Outages] = Outages
        self._alarms: AlarmStatus | None = None

    def on_frame(self, call: OnFrame) -> None:
        """Call this too after every fused frame."""
        self._on_frame.append(call)

    def begin(self, card: ModelCard, backend: str, superseded: Callable[[], int]) -> None:
        """Begin the record of a run: which model runs on what, and what counts the pairs that are thrown away."""
        with self._lock:
            self._card, self._backend, self._superseded = card, backend, superseded
            self._log, self._begun_s = LatencyLog(), time.perf_counter()
            self._moments.clear()

    def runs_on(self, card: ModelCard, backend: str, took_s: float = 0.0) -> None:
        """Say which model runs on what, once that is known, if it was not at the beginning.

        took_s: what finding that out took, which is left out of the run's seconds.
        """
        with self._lock:
            self._card, self._backend, self._begun_s = card, backend, self._begun_s + took_s

    def watch(
        self, health: RigHealth, drift_px: Callable[[], float | None], pairing_trouble: Callable[[], str] = str
    ) -> None:
        """Say what knows how the cameras and their alignment are, and why they give no pairs."""
        with self._lock:
            self._health, self._drift_px, self._pairing_trouble = health, drift_px, pairing_trouble

    def watch_counts(self, counts: Callable[[], StreamCounts]) -> None:
        """Say what counts the frames of the cameras."""
        with self._lock:
            self._counts = counts

    def counts(self) -> StreamCounts:
        """What became of the cameras' frames so far."""
        return self._counts()

    def watch_output(self, trouble: Callable[[], str]) -> None:
        """Say what knows why the output is not written any more."""
        with self._lock:
            self._output_trouble = trouble

    def watch_model(self, trouble: Callable[[], str], outages: Callable[[], Outages] = Outages) -> None:
        """Say what knows why the model does not answer, and how often and how long it did not."""
        with self._lock:
            self._model_trouble, self._model_outages = trouble, outages

    def watch_alarms(self, alarms: AlarmStatus) -> None:
        """Say what knows which alarms are on, and what became of them."""
        self._alarms = alarms

    @property
    def alarms(self) -> AlarmStatus | None:
        """What knows of the alarms of the run; None if it has none."""
        return self._alarms

    def cameras(self) -> tuple[CameraHealth | None, CameraHealth | None]:
        """The visible and the infrared camera now; None for one that nobody watches."""
        return self._health() if self._health else (None, None)

    def note(self, frame: FusedFrame) -> None:
        """Book a fused frame."""
        with self._lock:
            self._log.add(frame)
            self._moments.append(time.monotonic())
            self._readings = () if frame.pair.heat is None else frame.pair.heat.readings
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

    def figures(self) -> RunTotals:
        """What the whole run has come to; raises RuntimeError before it has begun."""
        return self._figures(HISTORY_FRAMES)

    def vitals(self) -> Vitals | None:
        """How the run is now; None before it has begun."""
        with self._lock:
            if self._card is None:
                return None
            fps, readings = self._fps(), self._readings
        cameras = self.cameras()
        now = self._figures(RECENT_FRAMES)
        return Vitals(
            model=now.model,
            precision=now.precision,
            backend=now.backend,
            visible=cameras[0],
            infrared=cameras[1],
            fused=now.fused,
            passed_through=now.passed_through,
            fps=fps,
            latency_ms=now.latency_ms,
            capture_to_fused_ms=now.capture_to_fused_ms,
            skew_ms=now.skew_ms,
            stages=now.stages,
            superseded=now.superseded,
            drift_px=self._drift_px(),
            pairing_trouble=self._pairing_trouble(),
            output_trouble=self._output_trouble(),
            model_trouble=self._model_trouble(),
            meters=readings,
            taken_over=now.taken_over,
            without_server=now.without_server,
            server_losses=now.server_losses,
            server_lost_s=now.server_lost_s,
        )

    def _figures(self, last: int) -> RunTotals:
        with self._lock:  # which every frame waits for, so no more than a copy is made meanwhile
            card, backend, log, begun_s = self._card, self._backend, self._log, self._begun_s
            fused, passed_through = log.frames, log.passed_through
            taken_over, without_server = log.taken_over, log.without_server
            newest = log.newest(last)
        if card is None:
            raise RuntimeError("a record has figures once its run has begun")
        outages = self._model_outages()
        return RunTotals(
            model=card.network,
            precision=card.precision,
            backend=backend,
            fused=fused,
            passed_through=passed_through,
            seconds=time.perf_counter() - begun_s,
            latency_ms=newest.percentiles("fuse"),
            capture_to_fused_ms=newest.percentiles("capture to fused"),
            skew_ms=newest.percentiles("skew"),
            stages=newest.stages(),
            superseded=self._superseded(),
            taken_over=taken_over,
            without_server=without_server,
            server_losses=outages.times,
            server_lost_s=outages.seconds,
        )

    def _fps(self) -> float:
        """The rate over the remembered frames, which falls towards 0 once no more come."""
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(time.monotonic() - self._moments[0], 1e-9)
