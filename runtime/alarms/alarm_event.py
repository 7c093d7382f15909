"""An alarm event: what became of which alarm, when, and by what."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from coconet.runtime.alarms.alarm_state import Change


@dataclass(frozen=True)
class AlarmEvent:
    """A change of an alarm, as it is sent, logged and listed.

    serial: counts the events of a run, from 1. utc: when it was noticed, ISO 8601. alarm, change: which, and what.
    subject: the meter or the camera. value, unit: what was looked at, None if that has no number; a rate is in degrees
    a second. limits: of the alarm. reason: in words. timestamp_s: the stamp of the frame that said it. recording: the
    folder that the alarm is recorded in, empty if it is not.
    """

    serial: int
    utc: str
    alarm: str
    change: Change
    subject: str
    value: float | None
    unit: str
    limits: tuple[float, ...]
    reason: str
    timestamp_s: float
    recording: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self))
