"""What happened in a run beside its figures: when it ran, which alarms began and ended, and the furthest readings."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from coconet.errors import counted
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.temperature import SIGNS, Unit
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.rig_file import Rig

if TYPE_CHECKING:
    from coconet.runtime.alarms.alarm_event import AlarmEvent
    from coconet.runtime.heat.reading import Reading

_SHOWN = 3  # of the events of one alarm, in the lines of a terminal; page and JSON have all that were kept


@dataclass(frozen=True)
class MeterPeak:
    """The highest value that a meter was shown with, of a box its mean; of one that looks for the coldest, the lowest.

    seconds: after the first frame. utc: when, ISO 8601; empty of recordings.
    """

    meter: str
    extreme: Literal["highest", "lowest"]
    value: float
    unit: Unit
    seconds: float
    utc: str

    def __str__(self) -> str:
        when = _plain(self.utc) if self.utc else f"{self.seconds:.1f} s after the first frame"
        return f"{self.value:.1f} {SIGNS[self.unit]}, {when}"


@dataclass(frozen=True)
class Happenings:
    """begun_utc, ended_utc: by the wall clock, ISO 8601. heat_percent: of the fused picture, at the end.

    alarms: what became of them, oldest first, the last 200. recordings: the folders of what they recorded, as far as
    these are whole. peaks: of every meter that read a number.
    """

    begun_utc: str
    ended_utc: str
    heat_percent: float
    alarms: tuple[AlarmEvent, ...] = ()
    recordings: tuple[str, ...] = ()
    peaks: tuple[MeterPeak, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """Say what each line is about and what it came to, in words."""
        rows = [("time", f"{_plain(self.begun_utc)} to {_plain(self.ended_utc)}"), ("heat", f"{self.heat_percent:g}")]
        rows += [(f"{peak.extreme} {peak.meter}", str(peak)) for peak in self.peaks]
        rows += [(f"alarm {name}", self._tell_of(name)) for name in dict.fromkeys(one.alarm for one in self.alarms)]
        return [*rows, ("recorded", ", ".join(self.recordings))] if self.recordings else rows

    def _tell_of(self, name: str) -> str:
        events = [one for one in self.alarms if one.alarm == name]
        counts = Counter(one.change for one in events)
        told = (f"{change} {counted(number, 'time')}" for change, number in counts.items())
        last = [f"{one.change} {_plain(one.utc)}" for one in events[-_SHOWN:]]
        turns = [one.change for one in events if one.change in ("begun", "over")]
        on = ", and still on" if turns[-1:] == ["begun"] else ""
        return f"{', '.join(told)}{on}; last: {', '.join(last)}"


class HappeningsLog:
    """Takes note of a run from its beginning; called after every fused frame."""

    def __init__(self, gauge: RunStats, now_s: Callable[[], float] = time.time) -> None:
        """Begin now. now_s: the time of day in seconds."""
        self._gauge, self._now_s, self._begun_s = gauge, now_s, now_s()
        self._first_ns: int | None = None
        self._peaks: dict[str, MeterPeak] = {}
        gauge.on_frame(self)

    def __call__(self, frame: FusedFrame) -> None:
        """Keep the readings that go beyond any before them."""
        stamp_ns = frame.pair.timestamp_ns
        if self._first_ns is None:
            self._first_ns = stamp_ns
        for one in () if frame.pair.heat is None else frame.pair.heat.readings:
            value, known = one.value, self._peaks.get(one.name)
            if value is None or (known is not None and not _is_beyond(one, value, known.value)):
                continue
            utc = "" if frame.capture_to_fused_ms is None else self._utc()
            seconds = (stamp_ns - self._first_ns) / 1e9
            extreme: Literal["highest", "lowest"] = "lowest" if one.kind == "coldest" else "highest"
            self._peaks[one.name] = MeterPeak(one.name, extreme, value, one.unit, seconds, utc)

    def happened(self, rig: Rig) -> Happenings:
        """All of it until now. rig: as it is at the end, once all recordings are written."""
        events: Sequence[AlarmEvent] = () if self._gauge.alarms is None else self._gauge.alarms.events()
        kept = rig.alarms.recording
        folders = [] if kept is None else [Path(kept.folder, one.recording) for one in events if one.recording]
        return Happenings(
            begun_utc=_iso(self._begun_s),
            ended_utc=self._utc(),
            heat_percent=rig.fusion.heat,
            alarms=tuple(events),
            recordings=tuple(dict.fromkeys(str(folder) for folder in folders if folder.is_dir())),
            peaks=tuple(self._peaks.values()),
        )

    def _utc(self) -> str:
        return _iso(self._now_s())


def _is_beyond(reading: Reading, value: float, known: float) -> bool:
    return value < known if reading.kind == "coldest" else value > known


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _plain(utc: str) -> str:
    """A time as people read it, such as 2026-11-27 10:41:22 UTC."""
    return f"{utc[:19].replace('T', ' ')} UTC"
