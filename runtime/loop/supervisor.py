"""The supervisor of a run: logs what changes, and reports to systemd.

The systemd protocol is that of sd_notify(3): lines in a datagram to the socket named in NOTIFY_SOCKET.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from coconet.event_log import is_logging, log_event, warn_once
from coconet.runtime.loop.liveness import Liveness, LivenessCheck
from coconet.runtime.loop.run_stats import RunStats, Vitals
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.threads.background import Background


class Notifier:
    """Tells systemd, where it started this process as Type=notify; says nothing elsewhere.

    watchdog_s: within how many seconds it wants to hear that the process is alive, None if it does not.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period_us = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(period_us) / 1e6 if ours and period_us.isdigit() and self._address else None

    def tell(self, *lines: str) -> None:
        """Send lines such as READY=1, WATCHDOG=1 and STATUS=fusing."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto("\n".join(lines).encode(), address)

    def ask_for_time(self, reason: str) -> None:
        """Say that the start takes longer than the unit allows, and why; to be said again before START_S are over."""
        self.tell(f"EXTEND_TIMEOUT_USEC={START_S * 10**6}", f"STATUS={reason}")


START_S = 180
"""How long systemd waits for the first frame: the TimeoutStartSec of the unit, and again after each asking for time."""

_LOOK_S = 0.5

_VITALS_S = 60.0

_FIRST_REMINDER_S, _LONGEST_REMINDER_S = 10.0, 3600.0


class Reminder:
    """When to say again what goes on: at once, after 10 s, and then after twice as long each time, up to an hour."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._next_s: float | None = None
        self._wait_s = _FIRST_REMINDER_S

    def due(self) -> bool:
        """Whether it is to be said now; asking counts as saying it."""
        now_s = self._now_s()
        if self._next_s is not None and now_s < self._next_s:
            return False
        self._next_s, self._wait_s = now_s + self._wait_s, min(2 * self._wait_s, _LONGEST_REMINDER_S)
        return True

    def over(self) -> bool:
        """Begin from the start the next time; whether anything had been said."""
        said, self._next_s, self._wait_s = self._next_s is not None, None, _FIRST_REMINDER_S
        return said


_MOST_EVENTS = 200
"""Of the cameras' changes the newest that are kept: a loose plug makes thousands in a night."""


@dataclass(frozen=True)
class HealthEvent:
    """A change of a camera, or of both. seconds: after the start. side: visible, infrared or both.

    state: a CameraState, or whether live cameras give pairs. trouble: what went wrong, empty if nothing did.
    """

    seconds: float
    side: str
    state: str
    trouble: str


@dataclass(frozen=True)
class HealthSum:
    """How often a camera, or both, came into a state, and how many seconds that lasted together, over the whole run."""

    side: str
    state: str
    times: int
    seconds: float


class HealthSums:
    """Adds up the states of the cameras, of which one lasts until the next of the same side."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], HealthSum] = {}
        self._now: dict[str, tuple[str, float]] = {}

    def begin(self, side: str, state: str, at_s: float) -> None:
        """Take a state that begins, in seconds of the clock that `add_up` takes."""
        self._sums.update({(one.side, one.state): one for one in self.add_up(at_s) if one.side == side})
        known = self._sums.get((side, state), HealthSum(side, state, 0, 0.0))
        self._sums[side, state] = replace(known, times=known.times + 1)
        self._now[side] = state, at_s

    def add_up(self, at_s: float) -> tuple[HealthSum, ...]:
        """The sums until a moment, in the order in which the states came first."""
        lasting = {(side, state): at_s - since_s for side, (state, since_s) in list(self._now.items())}
        sums = list(self._sums.items())
        return tuple(replace(one, seconds=one.seconds + lasting.get(key, 0.0)) for key, one in sums)


class RunSupervisor(Background):
    """A context manager: inside its block it looks at a run twice a second.

    Camera states and pairs that fail to come are logged when that changes, figures once a minute, a loop that stands
    still at growing intervals. systemd gets READY=1 at the first frame, and WATCHDOG=1 at every look while the run is
    alive, so that it restarts one that hangs.
    """

    def __init__(
        self, gauge: RunStats, notifier: Notifier | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to look at the run that `gauge` measures; now_s: gives the time in seconds."""
        super().__init__(self._keep_looking, "attendant")
        self._gauge, self._pulse, self._notifier = gauge, LivenessCheck(gauge, now_s), notifier or Notifier()
        self._now_s = now_s
        self._states: dict[str, str] = {}
        self._announced, self._figures_s, self._reason = False, now_s(), ""
        self._unpaired, self._stalled = "", Reminder(now_s)
        self._begun_s, self._events = now_s(), deque[HealthEvent](maxlen=_MOST_EVENTS)
        self._sums, self._ended_s = HealthSums(), math.inf

    @property
    def events(self) -> tuple[HealthEvent, ...]:
        """The newest changes of the cameras, oldest first; complete once the block is left."""
        return tuple(self._events)

    @property
    def sums(self) -> tuple[HealthSum, ...]:
        """How often and how long each state of the cameras was, until now, or until the block was left."""
        return self._sums.add_up(min(self._now_s(), self._ended_s))

    @property
    def pulse(self) -> LivenessCheck:
        """Who feels whether the run goes on."""
        return self._pulse

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.look()  # what happened since the last look
        self._ended_s = self._now_s()
        self._notifier.tell("STOPPING=1")
        vitals = self._gauge.vitals()
        ended = {"fused": 0 if vitals is None else vitals.fused, "error": None if error is None else str(error)}
        log_event("run ended", level=logging.INFO if error is None else logging.ERROR, **ended)
        super().__exit__(kind, error, trace)

    def _keep_looking(self) -> None:
        most_s = (self._notifier.watchdog_s or 4 * _LOOK_S) / 4  # as sd_watchdog_enabled(3) advises, with room to spare
        while not self.stopping.wait(min(_LOOK_S, most_s)):
            self.look()

    def look(self) -> None:
        """Log and report what has changed since the last look."""
        vitals, standing = self._gauge.vitals(), self._pulse.standing()
        if vitals is not None and vitals.fused:
            self._announce(vitals)
            for side, health in (("visible", vitals.visible), ("infrared", vitals.infrared)):
                self._note_camera(side, health)
            self._note_pairing(vitals.pairing_trouble)
            self._note_figures(vitals)
        self._report(standing)

    def _announce(self, vitals: Vitals) -> None:
        if not self._announced:
            self._announced = True
            self._notifier.tell("READY=1")
            log_event("run started", model=vitals.model, precision=vitals.precision, backend=vitals.backend)

    def _note_camera(self, side: str, health: CameraHealth | None) -> None:
        if health is None or self._states.get(side) == health.state:
            return
        if health.state == "lost" and side in self._states and not is_logging():  # else its opening said it, or the log
            trouble = health.trouble.removesuffix(".") or f"nothing comes from {health.name}"
            warn_once(f"the {side} camera is lost: {trouble}. It is opened again until it answers.")
        self._states[side] = health.state
        level = logging.INFO if health.live else logging.WARNING
        self._keep_event(side, health.state, health.trouble)
        log_event("camera", level=level, side=side, state=health.state, name=health.name, trouble=health.trouble)

    def _note_pairing(self, trouble: str) -> None:
        if bool(trouble) == bool(self._unpaired):
            return
        self._unpaired = trouble
        level, state = (logging.WARNING, "live, but unpaired") if trouble else (logging.INFO, "paired")
        self._keep_event("both", state, trouble)
        log_event("cameras", level=level, state=state, trouble=trouble)

    def _keep_event(self, side: str, state: str, trouble: str) -> None:
        now_s = self._now_s()
        self._sums.begin(side, state, now_s)
        self._events.append(HealthEvent(now_s - self._begun_s, side, state, trouble))

    def _note_figures(self, vitals: Vitals) -> None:
        now_s = self._now_s()
        if now_s - self._figures_s < _VITALS_S:
            return
        self._figures_s = now_s
        latency_ms = None if vitals.latency_ms is None else round(vitals.latency_ms.p95, 1)
        told: dict[str, Any] = {"meters": {one.name: one.value for one in vitals.meters}} if vitals.meters else {}
        log_event("figures", fps=round(vitals.fps, 2), fused=vitals.fused, fuse_p95_ms=latency_ms, **told)

    def _report(self, standing: Liveness) -> None:
        if standing.reason != self._reason:
            self._reason = standing.reason
            self._notifier.tell(f"STATUS={standing.reason}")
        if standing.alive:
            self._notifier.tell("WATCHDOG=1")
            if self._stalled.over():
                log_event("goes on", reason=standing.reason)
        elif self._announced and self._stalled.due():
            log_event("stalled", level=logging.ERROR, reason=standing.reason)
