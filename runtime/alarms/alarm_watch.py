"""The watch over all alarms of a run: looks at every fused frame, keeps the events, and hands them to receivers."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import Any, Protocol

from coconet.event_log import log_event, warn_once
from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.alarms.alarm_state import AlarmState, Change
from coconet.runtime.alarms.evidence import Evidence, MeterEvidence
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meters import is_lasting
from coconet.runtime.heat.temperature import SIGNS, Unit
from coconet.runtime.pairing.camera_health import CameraHealth

_KEPT = 200  # events that a page and a late listener may ask for

STALE_MS = 2000.0
"""A live picture that is older when it is fused says nothing about now."""

Health = Callable[[], tuple[CameraHealth | None, CameraHealth | None]]


class AlarmOutput(Protocol):
    """Where events are told. It takes them at once and does its work in a thread of its own."""

    def tell(self, event: AlarmEvent) -> None:
        """Take an event; one for which there is no room is counted and let go."""


class AlarmRecorder(Protocol):
    """Keeps the frames around an alarm."""

    def note(self, frame: FusedFrame) -> None:
        """Take every frame of the loop, at once."""

    def begin(self, event: AlarmEvent, frame: FusedFrame) -> str:
        """Record what was before the event and what comes; give the name of the recording, empty if there is none."""


@dataclass(frozen=True)
class AlarmSnapshot:
    """How an alarm is now. on: alarming. blind: why it cannot tell, empty if it can. value: what was looked at last.

    subject: the meter or the camera. since: the time of its last event, ISO 8601, empty before the first.
    """

    name: str
    on: bool
    blind: str
    value: float | None
    subject: str = ""
    since: str = ""


class AlarmWatch:
    """Looks at frames in the loop, which takes microseconds; receivers have threads of their own. Any thread may ask.

    An infrared frame that is shown again says nothing new, and a picture that is stale, or shows a shutter, nothing at
    all: then no alarm begins or ends.
    """

    def __init__(self, tables: Sequence[AlarmTable], unit: Unit = "celsius", health: Health | None = None) -> None:
        """Watch for `tables`. unit: of the thermometer. health: gives the state of both cameras now."""
        self._states = {table.name: AlarmState(table) for table in tables}
        self._evidence = {table.name: MeterEvidence(table) for table in tables if table.meter is not None}
        self._values: dict[str, float | None] = {}
        self._hopeless: dict[str, str] = {}
        self._since = dict.fromkeys(self._states, "")
        self._unit, self._health = unit, health or (lambda: (None, None))
        self._outputs: list[AlarmOutput] = []
        self._recorder: AlarmRecorder | None = None
        self._last_infrared: tuple[int, int] | None = None
        self._events: deque[AlarmEvent] = deque(maxlen=_KEPT)
        self._serial = 0
        self._lock = Lock()

    def add(self, output: AlarmOutput) -> None:
        """Tell this too."""
        self._outputs.append(output)

    def record_with(self, recorder: AlarmRecorder) -> None:
        """Let this keep the frames around every alarm."""
        self._recorder = recorder

    def note(self, frame: FusedFrame) -> None:
        """Look at a fused frame."""
        if self._recorder is not None:
            self._recorder.note(frame)
        fresh, now_ns = self._is_fresh(frame), frame.pair.timestamp_ns
        cameras = self._health() if any(state.table.camera for state in self._states.values()) else (None, None)
        for name, state in self._states.items():
            if state.table.camera is not None:
                evidence = _of_camera(state.table, cameras[0] if state.table.camera == "visible" else cameras[1])
                if evidence.blind:
                    self._say_hopeless(state.table, evidence.blind)
            elif fresh:
                evidence = self._of_meter(state.table, frame)
            else:
                continue
            self._values[name] = evidence.value
            for change in state.follow(evidence, now_ns):
                self._happen(state, change, evidence, frame)

    def standings(self) -> list[AlarmSnapshot]:
        """How every alarm is now."""
        return [
            AlarmSnapshot(name, state.on, state.blind, self._values.get(name), _subject(state.table), self._since[name])
            for name, state in self._states.items()
        ]

    def active(self) -> tuple[str, ...]:
        """The names of the alarms that are on."""
        return tuple(name for name, state in self._states.items() if state.on)

    def events(self, after: int = 0) -> list[AlarmEvent]:
        """The last events of a higher serial than `after`, oldest first."""
        with self._lock:
            return [event for event in self._events if event.serial > after]

    def as_dict(self) -> dict[str, Any]:
        """Standings and events, as plain values."""
        return {
            "alarms": [asdict(standing) for standing in self.standings()],
            "events": [asdict(event) for event in self.events()[-20:]],
        }

    def _is_fresh(self, frame: FusedFrame) -> bool:
        """Whether the infrared frame has not been looked at yet; one that is missing is looked at as such."""
        infrared = frame.pair.raw_infrared or frame.pair.infrared
        key = infrared.index, infrared.timestamp_ns
        fresh = "infrared" in frame.pair.missing or key != self._last_infrared
        self._last_infrared = key
        return fresh

    def _of_meter(self, table: AlarmTable, frame: FusedFrame) -> Evidence:
        judge, age_ms, heat = self._evidence[table.name], frame.capture_to_fused_ms, frame.pair.heat
        if age_ms is not None and age_ms > STALE_MS and not frame.pair.missing:
            judge.forget()
            return Evidence(None, blind=f"the picture is {age_ms / 1e3:.1f} s old")
        readings = () if heat is None else heat.readings
        reading = next((one for one in readings if one.name == table.meter), None)
        if reading is None:
            judge.forget()
            gone = f"there is no meter {table.meter} any more"
            self._say_hopeless(table, gone)
            return Evidence(None, blind=gone)
        if reading.blind and is_lasting(reading.blind):
            self._say_hopeless(table, f"its meter {table.meter} reads nothing: {reading.blind}")
        infrared = frame.pair.raw_infrared or frame.pair.infrared
        return judge.of(reading, infrared.timestamp_ns)

    def _say_hopeless(self, table: AlarmTable, why: str) -> None:
        """Warn, once for each reason, of an alarm that cannot begin while camera and rig are as they are."""
        if self._hopeless.get(table.name) != why:
            self._hopeless[table.name] = why
            warn_once(f"the alarm {table.name} cannot begin: {why}.")

    def _happen(self, state: AlarmState, change: Change, evidence: Evidence, frame: FusedFrame) -> None:
        table = state.table
        self._serial += 1
        event = AlarmEvent(
            self._serial,
            datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            table.name,
            change,
            _subject(table),
            None if evidence.value is None else round(evidence.value, 4),
            "" if table.camera or table.statistic == "share_above" else self._unit,
            table.limits,
            evidence.blind if change == "blind" else _reason(table, change, evidence.value, self._unit),
            (frame.pair.raw_infrared or frame.pair.infrared).timestamp_ns / 1e9,
        )
        if change == "begun" and self._recorder is not None:
            event = AlarmEvent(**{**vars(event), "recording": self._recorder.begin(event, frame)})
        self._since[table.name] = event.utc
        with self._lock:
            self._events.append(event)
        told = {key: value for key, value in asdict(event).items() if key not in ("change", "utc", "serial")}
        level = logging.WARNING if change in ("begun", "blind") else logging.INFO
        log_event("alarm", level=level, change=change, **told)
        for output in self._outputs:
            output.tell(event)


def _subject(table: AlarmTable) -> str:
    return table.meter or table.camera or ""


def _of_camera(table: AlarmTable, health: CameraHealth | None) -> Evidence:
    if health is None:
        return Evidence(None, blind="the cameras of recordings are not watched")
    holds = health.state in table.states
    return Evidence(holds, not holds)


def _reason(table: AlarmTable, change: Change, value: float | None, unit: Unit) -> str:
    """Say what was looked at and how it is, as `bearing max 81.2 °C, above 80`."""
    if table.camera is not None:
        return f"{table.camera} camera {'is' if change == 'begun' else 'is no longer'} {' or '.join(table.states)}"
    sign = {"share_above": ""}.get(table.statistic, f" {SIGNS[unit]}") + ("/s" if table.when == "rate" else "")
    number = "beyond what the camera can tell" if value is None else f"{value:.4g}{sign}"
    limits = " and ".join(f"{limit:g}" for limit in table.limits)
    return f"{table.meter} {table.statistic} {number}; alarm {table.when} {limits}"
