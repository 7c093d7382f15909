"""How a camera is: live, late, frozen, behind its shutter, or lost; told from when frames come and what they show."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from statistics import median
from threading import Lock
from typing import Literal

import numpy as np

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, StampKind
from coconet.runtime.preprocess.ffc import ShutterGuard

CameraState = Literal["live", "late", "frozen", "shutter", "lost"]
"""live: frames come as they should. late: the next one should have been here. frozen: frames come, all the same.
shutter: a thermal camera looks at its own shutter for a moment. lost: nothing comes, or the connection is down."""

_INTERVALS = 31  # a second at 30 fps: long enough for a steady rate, short enough to follow a camera that slows down


_LONGEST_S, _MOST_PERIODS = 86_400.0, 1e6  # of a limit; what is longer is none


@dataclass(frozen=True)
class HealthLimits:
    """When a camera is no longer live.

    late_periods, late_s: late after this many of its periods, and this time, without a frame; one is normal.
    lost_s: so long without a frame makes it lost, however slow it is usually.
    frozen_s: so long with one and the same picture makes it frozen; 0 turns this off, for sources that repeat.
    shutter_s: a thermal camera that repeats or shows a blank picture is behind its shutter for at most so long; after
    that it is frozen.
    """

    late_periods: float = 2.5
    lost_s: float = 1.5
    late_s: float = 0.2
    frozen_s: float = 1.0
    shutter_s: float = 3.0

    def __post_init__(self) -> None:
        times_s = (self.lost_s, self.late_s, self.frozen_s, self.shutter_s)
        bounded = all(0 <= time_s <= _LONGEST_S for time_s in times_s)
        if not (1 < self.late_periods <= _MOST_PERIODS and self.lost_s > 0 and bounded):
            raise CoconetError(
                "[health]",
                wanted="late_periods above 1, lost_s above 0, no negative time, and none above a day",
                got=f"late_periods {self.late_periods:g}, lost_s {self.lost_s:g}, frozen_s {self.frozen_s:g}, "
                f"shutter_s {self.shutter_s:g}",
                remedy="Use late_periods above 1, lost_s above 0, and times of at most a day; or leave the table out.",
                says=f"has limits out of range: late_periods {self.late_periods:g}, lost_s {self.lost_s:g}, frozen_s "
                f"{self.frozen_s:g}, shutter_s {self.shutter_s:g}",
            )


@dataclass(frozen=True)
class CameraHealth:
    """What is known about a camera at one moment.

    fps: its own rate, 0 while unknown. age_ms: since its last frame came, None before the first.
    read, dropped: frames so far, and those of them that the capture threw away. reconnects: how often it came back.
    damaged: frames that the camera left out because they were torn or did not decode.
    stamps: whose clock its frames carry, None before the first. trouble: what went wrong last, empty while all is well.
    """

    name: str
    state: CameraState
    fps: float = 0.0
    age_ms: float | None = None
    read: int = 0
    dropped: int = 0
    reconnects: int = 0
    damaged: int = 0
    stamps: StampKind | None = None
    trouble: str = ""

    @property
    def live(self) -> bool:
        """Whether its picture may be shown as what is there now."""
        return self.state == "live"


@dataclass(frozen=True)
class _Seen:
    """What the frames so far have told."""

    arrived_ns: int
    same_since_ns: int
    blank: bool
    frame: Frame


class HealthWatch:
    """Watches the frames of one camera as they arrive; one thread notes them, any thread may ask.

    Times are those of time.monotonic_ns(), handed in, so that a test decides how late it is.
    """

    def __init__(self, name: str, *, thermal: bool = False, limits: HealthLimits | None = None) -> None:
        self._name, self._thermal, self._limits = name, thermal, limits or HealthLimits()
        self._shutter = ShutterGuard()
        self._lock = Lock()
        self._intervals_ns: deque[int] = deque(maxlen=_INTERVALS)
        self._seen: _Seen | None = None
        self._read = self._reconnects = 0
        self._down, self._trouble = False, ""

    def note(self, frame: Frame, now_ns: int) -> None:
        """Take a frame that has just arrived."""
        blank = self._thermal and self._shutter.closed(frame.pixels)
        with self._lock:
            before = self._seen
            same = before is not None and _same(before.frame, frame)
            since_ns = before.same_since_ns if before is not None and same else now_ns
            if before is not None and not self._down:
                self._intervals_ns.append(now_ns - before.arrived_ns)
            self._reconnects += self._down
            self._down, self._trouble = False, ""
            self._read += 1
            self._seen = _Seen(now_ns, since_ns, blank, frame)

    def note_loss(self, trouble: str) -> None:
        """Say that the connection is down; it counts as lost until the next frame. `trouble` holds no password."""
        with self._lock:
            self._down, self._trouble = True, trouble

    def state(self, now_ns: int) -> CameraState:
        """How the camera is at a moment not before the last frame."""
        with self._lock:
            return self._state(now_ns)

    def snapshot(self, now_ns: int) -> CameraHealth:
        """Everything at once; `dropped` is left to who drops."""
        with self._lock:
            told = CameraHealth(self._name, self._state(now_ns), read=self._read, reconnects=self._reconnects)
            if self._seen is not None:
                age_ms = max(0, now_ns - self._seen.arrived_ns) / 1e6
                told = replace(told, fps=self._fps(), age_ms=age_ms, stamps=self._seen.frame.stamps)
            return replace(told, trouble=self._trouble)

    def _state(self, now_ns: int) -> CameraState:
        seen = self._seen
        if seen is None or self._down:
            return "lost"
        silent_ns = now_ns - seen.arrived_ns
        if silent_ns > max(self._limits.lost_s * 1e9, 2 * self._late_ns()):
            return "lost"
        return self._picture_state(seen) or ("late" if silent_ns > self._late_ns() else "live")

    def _picture_state(self, seen: _Seen) -> CameraState | None:
        """What the pictures themselves say: how long they have been the same, at the last arrival, or blank."""
        same_ns = seen.arrived_ns - seen.same_since_ns
        limit_ns = self._limits.frozen_s * 1e9
        if not self._thermal:
            return "frozen" if 0 < limit_ns <= same_ns else None
        if same_ns > max(self._limits.shutter_s * 1e9, limit_ns) and limit_ns:
            return "frozen"
        repeats = self._intervals_ns and same_ns > self._shutter.repeats_ns(median(self._intervals_ns))
        return "shutter" if seen.blank or (limit_ns and repeats) else None

    def _late_ns(self) -> float:
        """Silence that makes a camera late; while its rate is unknown, half of what makes it lost."""
        if not self._intervals_ns:
            return self._limits.lost_s * 1e9 / 2
        return max(self._limits.late_periods * median(self._intervals_ns), self._limits.late_s * 1e9)

    def _fps(self) -> float:
        total_ns = sum(self._intervals_ns)
        return 1e9 * len(self._intervals_ns) / total_ns if total_ns else 0.0


def _same(first: Frame, second: Frame) -> bool:
    """Whether two frames show exactly the same; the noise of a sensor that is alive makes that all but impossible."""
    one, other = first.pixels, second.pixels
    # The first bytes decide nearly always, and save comparing a million more.
    holes = one.dtype.kind == other.dtype.kind == "f"  # where both have a hole they show the same
    return all(np.array_equal(one[part], other[part], equal_nan=holes) for part in (slice(1), slice(None)))
