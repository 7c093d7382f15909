"""The attendant of a run: a thread that logs what changes and tells systemd that the run is alive."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from types import TracebackType

from runtime.health import CameraHealth
from runtime.run_log import log_event
from runtime.standing import Pulse, Standing
from runtime.systemd import Notifier
from runtime.vitals import Gauge, Vitals

_LOOK_S = 0.5
_VITALS_S = 60.0


class Attendant:
    """A context manager: inside its block it looks at a run twice a second.

    Camera states are logged when they change, figures once a minute. systemd is told once when the run is ready, and
    again and again while it is alive, so that it restarts one that hangs.
    """

    def __init__(self, gauge: Gauge, notifier: Notifier | None = None) -> None:
        self._gauge, self._pulse, self._notifier = gauge, Pulse(gauge), notifier or Notifier()
        self._leaving = Event()
        self._states: dict[str, str] = {}
        self._announced, self._figures_s, self._reason = False, time.monotonic(), ""
        self._thread = Thread(target=self._work, name="attendant", daemon=True)

    @property
    def pulse(self) -> Pulse:
        """Who feels whether the run goes on."""
        return self._pulse

    def __enter__(self) -> Attendant:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        self._look()  # what happened since the last look
        self._notifier.tell("STOPPING=1")
        vitals = self._gauge.vitals()
        ended = {"fused": 0 if vitals is None else vitals.fused, "error": None if error is None else str(error)}
        log_event("run ended", level=logging.INFO if error is None else logging.ERROR, **ended)

    def _work(self) -> None:
        most_s = (self._notifier.watchdog_s or 4 * _LOOK_S) / 4  # as sd_watchdog_enabled(3) advises, with room to spare
        while not self._leaving.wait(min(_LOOK_S, most_s)):
            self._look()

    def _look(self) -> None:
        vitals, standing = self._gauge.vitals(), self._pulse.standing()
        if vitals is not None and vitals.fused:
            self._announce(vitals)
            for side, health in (("visible", vitals.visible), ("infrared", vitals.infrared)):
                self._note_camera(side, health)
            self._note_figures(vitals)
        self._tell(standing)

    def _announce(self, vitals: Vitals) -> None:
        if not self._announced:
            self._announced = True
            self._notifier.tell("READY=1")
            log_event("run started", model=vitals.model, precision=vitals.precision, backend=vitals.backend)

    def _note_camera(self, side: str, health: CameraHealth | None) -> None:
        if health is None or self._states.get(side) == health.state:
            return
        self._states[side] = health.state
        level = logging.INFO if health.live else logging.WARNING
        log_event("camera", level=level, side=side, state=health.state, name=health.name, trouble=health.trouble)

    def _note_figures(self, vitals: Vitals) -> None:
        if time.monotonic() - self._figures_s < _VITALS_S:
            return
        self._figures_s = time.monotonic()
        latency_ms = None if vitals.latency_ms is None else round(vitals.latency_ms.p95, 1)
        log_event("figures", fps=round(vitals.fps, 2), fused=vitals.fused, fuse_p95_ms=latency_ms)

    def _tell(self, standing: Standing) -> None:
        if standing.reason != self._reason:
            self._reason = standing.reason
            self._notifier.tell(f"STATUS={standing.reason}")
        if standing.alive:
            self._notifier.tell("WATCHDOG=1")
        elif self._announced:
            log_event("stalled", level=logging.ERROR, reason=standing.reason)
