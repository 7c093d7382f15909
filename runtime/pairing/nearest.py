"""Pairing by time: which infrared frame belongs to which visible frame."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median_low
from typing import Literal, Protocol

from coconet.runtime.frame import OTHER_SIDE, Frame, FramePair, Side

_INTERVALS = 15  # remembered for the period: enough for a median that one lost frame does not move

_MOST_WAITING = 32  # half a second at 60 fps: where one camera stands still, the frames of the other must not pile up


Reason = Literal["spare", "too_far", "missing", "after_end", "stale", "stopped"]
"""Why a frame found no partner. spare: a frame of its own camera was nearer, as half of them are at twice the rate.
too_far: the nearest partner is beyond the tolerance. missing: the other camera gave nothing within two of its periods.
after_end: it is later than all of the other side, which has ended. stale: it is not later than the frame before.
stopped: it still waited when the run was stopped."""

Tell = Callable[[Side, Frame, Reason], None]
"""Takes each frame that a pairer drops, once, with its side and why."""

_SLOW_PERIOD_NS = 10**9 // 9
"""Of thermal cameras that may be exported anywhere: two cameras of one frame each are paired as if they had it."""

_NEAR_PERIODS = 2  # of the slower camera: a partner within them is there, if too far away


class Pairs(Protocol):
    """What a stream asks of a pairer, whatever its policy; no threads, no clock."""

    @property
    def tolerance_ns(self) -> int:
        """The largest gap in a pair; 0 while nothing is known about the periods."""

    def push(self, side: Side, frame: Frame, now_ns: int = 0) -> None:
        """Take the next frame of a side, which arrived now; one that is not later than the last is dropped."""

    def pop(self, now_ns: int | None = None) -> FramePair | None:
        """Give the next pair that is certain, or that has waited long enough; None until more frames are pushed."""

    def end(self, side: Side) -> None:
        """Say that a side has no more frames."""

    def flush(self, *, stopped: bool) -> None:
        """Drop what waits; for the end of a stream, or when it is stopped before."""

    def waiting(self, side: Side) -> Sequence[Frame]:
        """The frames of a side that have not been dropped, and may still come out in a pair."""

    def unpaired(self, side: Side) -> Counter[Reason]:
        """Why frames of a side have found no partner, and how many."""

    @property
    def finished(self) -> bool:
        """True when no further pair can come."""

    @property
    def wants(self) -> Side:
        """The side whose next frame (or end) decides about the frames at hand, after `pop` gave None."""


def tell_nobody(_side: Side, _frame: Frame, _reason: Reason) -> None:
    """For a pairer whose drops are only counted."""


@dataclass(frozen=True)
class Waiting:
    """A frame that waits for its partner, and when it arrived."""

    frame: Frame
    arrived_ns: int

    @property
    def stamp_ns(self) -> int:
        """When the frame was taken."""
        return self.frame.timestamp_ns


class SideQueue:
    """One camera's frames that wait for a partner, and what their stamps tell about its period."""

    def __init__(self, tell: Callable[[Frame, Reason], None]) -> None:
        """tell: called with each frame that is dropped, once, and why."""
        self._tell = tell
        self.waiting: deque[Waiting] = deque()
        self.intervals: deque[int] = deque(maxlen=_INTERVALS)
        self.last_ns: int | None = None
        self.ended = False
        self.unpaired: Counter[Reason] = Counter()
        self.gone_ns: int | None = None
        self.gone_paired = False

    @property
    def period_ns(self) -> int | None:
        """The median interval; None before the second frame."""
        return median_low(self.intervals) if self.intervals else None

    def push(self, frame: Frame, now_ns: int) -> None:
        """Queue a frame that is later than the one before, and drop the oldest where too many wait."""
        if self.last_ns is not None:
            if frame.timestamp_ns <= self.last_ns:  # a clock that stepped back: this frame has no place in the order
                self.note_dropped(frame, "stale")
                return
            self.intervals.append(frame.timestamp_ns - self.last_ns)
        self.last_ns = frame.timestamp_ns
        self.waiting.append(Waiting(frame, now_ns))
        if len(self.waiting) > _MOST_WAITING:
            self.drop("missing")

    def ended_before(self, stamp_ns: int) -> bool:
        """Whether there are no more frames, and all that there were are earlier than this."""
        return self.ended and self.last_ns is not None and self.last_ns < stamp_ns

    def drop(self, reason: Reason) -> None:
        """Let the oldest frame go; gone_ns is its stamp then, and gone_paired false."""
        entry = self.waiting.popleft()
        self.gone_ns, self.gone_paired = entry.stamp_ns, False
        self.note_dropped(entry.frame, reason)

    def note_dropped(self, frame: Frame, reason: Reason) -> None:
        """Count a frame that has found no partner."""
        self.unpaired[reason] += 1
        self._tell(frame, reason)

    def take(self) -> Frame:
        """Take the oldest frame for a pair."""
        entry = self.waiting.popleft()
        self.gone_ns, self.gone_paired = entry.stamp_ns, True
        return entry.frame


def why_left(entry: Waiting, other: SideQueue, *, stopped: bool) -> Reason:
    """Why a frame still waits at the end of a stream, or when it is stopped."""
    if other.ended_before(entry.stamp_ns):
        return "after_end"
    return "stopped" if stopped else "missing"


def side_queues(tell: Tell) -> dict[Side, SideQueue]:
    """The queues of both sides, visible first, which tell what they drop."""
    sides: tuple[Side, Side] = ("visible", "infrared")
    return {side: SideQueue(partial(tell, side)) for side in sides}


def slower_period_ns(queues: Iterable[SideQueue]) -> int:
    """The longer of the known periods; 0 while there is none, and that of a slow camera if there will never be one."""
    sides = list(queues)
    known_ns = max(queue.period_ns or 0 for queue in sides)
    return _SLOW_PERIOD_NS if not known_ns and all(queue.ended for queue in sides) else known_ns


class Pairer:
    """Pairs frames that are each other's nearest in time, in order, every frame at most once: the policy `drop`.

    Frames are pushed per side in the order of their stamps; `pop` gives the pairs that are certain. What has found no
    partner is counted in `unpaired`.
    """

    def __init__(self, tolerance_ns: int | None = None, *, prompt: bool = False, tell: Tell = tell_nobody) -> None:
        """Pair frames at most `tolerance_ns` apart; None means half the slower period, taken from the stamps.

        With `prompt` two frames nearer than half the earlier one's period are paired at once, because no later frame
        is expected to be nearer, and any two within the tolerance after one period of the faster camera; without, the
        next frame is waited for, which live streams cannot afford. tell: called with each dropped frame, and why.
        """
        self._tolerance_ns = tolerance_ns
        self._prompt = prompt
        self._queues = side_queues(tell)

    @property
    def tolerance_ns(self) -> int:
        """The largest gap in a pair; 0 while nothing is known about the periods."""
        if self._tolerance_ns is not None:
            return self._tolerance_ns
        return slower_period_ns(self._queues.values()) // 2

    @property
    def finished(self) -> bool:
        """True when no further pair can come: a side has ended and none of its frames waits."""
        return any(queue.ended and not queue.waiting for queue in self._queues.values())

    @property
    def wants(self) -> Side:
        """The side whose next frame (or end) decides about the frames at hand, after `pop` gave None."""
        for side, queue in self._queues.items():
            if not queue.waiting:
                return side
        side = self._earlier()
        return OTHER_SIDE[side] if self._queues[side].ended else side

    def unpaired(self, side: Side) -> Counter[Reason]:
        """Why frames of a side have found no partner, and how many."""
        return self._queues[side].unpaired

    def waiting(self, side: Side) -> Sequence[Frame]:
        """The frames of a side that still wait."""
        return [entry.frame for entry in tuple(self._queues[side].waiting)]  # any thread may count

    def push(self, side: Side, frame: Frame, now_ns: int = 0) -> None:
        """Take the next frame of a side, which arrived now; one that is not later than the last is dropped."""
        self._queues[side].push(frame, now_ns)

    def end(self, side: Side) -> None:
        """Say that a side has no more frames."""
        self._queues[side].ended = True

    def flush(self, *, stopped: bool = False) -> None:
        """Drop what waits; for the end of a stream, or when it is stopped before."""
        for side, queue in self._queues.items():
            while queue.waiting:
                queue.drop(why_left(queue.waiting[0], self._other(side), stopped=stopped))

    def pop(self, now_ns: int | None = None) -> FramePair | None:
        """Give the next pair that is certain, or None until more frames are pushed or a period has passed."""
        while all(queue.waiting for queue in self._queues.values()):
            early = self._queues[self._earlier()]
            verdict = self._verdict(now_ns)
            if verdict is None:
                return None
            if verdict == "pair":
                visible, infrared = (queue.take() for queue in self._queues.values())
                return FramePair(visible, infrared)
            early.drop(verdict)
        return None

    def _other(self, side: Side) -> SideQueue:
        return self._queues[OTHER_SIDE[side]]

    def _earlier(self) -> Side:
        visible, infrared = (queue.waiting[0].stamp_ns for queue in self._queues.values())
        return "visible" if visible <= infrared else "infrared"

    def _verdict(self, now_ns: int | None) -> Literal["pair"] | Reason | None:
        """Whether the two heads are a pair, or why the earlier one is none; None waits for the frame after it."""
        side = self._earlier()
        early, late = self._queues[side], self._other(side)
        target_ns = late.waiting[0].stamp_ns
        gap_ns = target_ns - early.waiting[0].stamp_ns
        if early.ended and not late.ended and gap_ns > self.tolerance_ns == 0:
            return None  # the next frame of the other side tells a period, or there is none
        if len(early.waiting) > 1:
            nearer = abs(early.waiting[1].stamp_ns - target_ns) < gap_ns
        elif (
            early.ended
            or gap_ns == 0
            or (self._prompt and gap_ns <= (early.period_ns or 0) // 2)
            or self._overdue(now_ns)
        ):
            nearer = False
        else:
            return None
        if gap_ns <= self.tolerance_ns and not nearer:
            return "pair"
        return self._why_alone(early.waiting[0].stamp_ns, late, gap_ns, taken=nearer)

    def _why_alone(self, stamp_ns: int, other: SideQueue, gap_ns: int, *, taken: bool) -> Reason:
        """Why a frame whose next partner is gap_ns later stays alone; taken: a frame of its own side is nearer to that.

        Its nearest partner may also be the last one that has gone, with a frame of its own side or without one.
        """
        slower_ns = slower_period_ns(self._queues.values())
        if other.gone_ns is not None and stamp_ns - other.gone_ns <= gap_ns:
            gap_ns, taken = stamp_ns - other.gone_ns, other.gone_paired
        return why_unpaired(gap_ns, taken=taken, slower_ns=slower_ns, tolerance_ns=self.tolerance_ns)

    def _overdue(self, now_ns: int | None) -> bool:
        """Whether both heads have been here for a period of the faster camera: waiting on costs more than it brings."""
        periods = [queue.period_ns for queue in self._queues.values() if queue.period_ns]
        if now_ns is None or not periods:
            return False
        return now_ns - max(queue.waiting[0].arrived_ns for queue in self._queues.values()) >= min(periods)


def why_unpaired(gap_ns: int, *, taken: bool, slower_ns: int, tolerance_ns: int) -> Reason:
    """Why a frame stays alone whose nearest partner is gap_ns away; taken: that one has a nearer frame."""
    if taken and gap_ns <= max(slower_ns, tolerance_ns):
        return "spare"
    return "too_far" if gap_ns <= _NEAR_PERIODS * slower_ns else "missing"
