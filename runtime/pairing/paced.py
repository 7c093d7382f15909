"""Pairing at one camera's pace: each of its frames gets the other camera's nearest, which may serve more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from coconet.runtime.frame import OTHER_SIDE, Frame, FramePair, Side
from coconet.runtime.pairing.nearest import (
    Reason,
    SideQueue,
    Tell,
    Waiting,
    side_queues,
    slower_period_ns,
    tell_nobody,
    why_left,
    why_unpaired,
)

_INTERVALS_TO_DECIDE = 3  # which camera is faster; it is decided once, so that two equal rates do not take turns

_HELD_PERIODS = 1.5  # a slow camera's picture is a whole period old before the next one comes, and that one may be late


class PacedPairer:
    """The policies `hold` (the faster camera sets the pace) and `thermal` (the infrared one does).

    Every frame of the camera that sets the pace comes out, in order, unless the other side has nothing near enough.
    """

    def __init__(
        self,
        pacer: Side | None,
        tolerance_ns: int | None = None,
        *,
        prompt: bool = False,
        tell: Tell = tell_nobody,
    ) -> None:
        """Pair at the pace of `pacer`, or of the faster side where it is None, which may show a held picture.

        tolerance_ns: the largest gap in a pair. None means half the slower period if the pacer is given, and one and
        a half slower periods otherwise. With `prompt`, a frame waits for a partner only while a nearer one is expected,
        and never longer than one period of the faster camera. tell: called with each dropped frame, and why.
        """
        self._pacer = pacer
        self._tolerance_ns, self._held, self._prompt = tolerance_ns, pacer is None, prompt
        self._queues = side_queues(tell)
        self._used_ns: int | None = None  # the stamp of the partner that was used last

    @property
    def tolerance_ns(self) -> int:
        """The largest gap in a pair; 0 while nothing is known about the periods."""
        if self._tolerance_ns is not None:
            return self._tolerance_ns
        slower_ns = slower_period_ns(self._queues.values())
        return round(slower_ns * _HELD_PERIODS) if self._held else slower_ns // 2

    @property
    def finished(self) -> bool:
        """True when the side that sets the pace has ended and none of its frames waits."""
        sides = [self._pacer] if self._pacer else list(self._queues)
        return any(self._queues[side].ended and not self._queues[side].waiting for side in sides)

    @property
    def wants(self) -> Side:
        """The side whose next frame (or end) decides about the frames at hand, after `pop` gave None."""
        if not self._known():
            running = [side for side, queue in self._queues.items() if not queue.ended]
            return min(running, key=lambda side: len(self._queues[side].waiting))
        pacer = self._pace_setter()
        return OTHER_SIDE[pacer] if self._queues[pacer].waiting else pacer

    def waiting(self, side: Side) -> Sequence[Frame]:
        """The frames of a side that still wait, one that is kept after it was used among them."""
        return [entry.frame for entry in tuple(self._queues[side].waiting)]  # any thread may count

    def unpaired(self, side: Side) -> Counter[Reason]:
        """Why frames of a side have found no partner, and how many."""
        return self._queues[side].unpaired

    def push(self, side: Side, frame: Frame, now_ns: int = 0) -> None:
        """Take the next frame of a side, which arrived now; one that is not later than the last is dropped."""
        self._queues[side].push(frame, now_ns)

    def end(self, side: Side) -> None:
        """Say that a side has no more frames."""
        self._queues[side].ended = True

    def flush(self, *, stopped: bool = False) -> None:
        """Drop what waits; for the end of a stream, or when it is stopped before."""
        for side, queue in self._queues.items():
            for entry in queue.waiting:
                if entry.stamp_ns != self._used_ns:
                    why = why_left(entry, self._queues[OTHER_SIDE[side]], stopped=stopped)
                    queue.note_dropped(entry.frame, why)
            queue.waiting.clear()

    def pop(self, now_ns: int | None = None) -> FramePair | None:
        """Give the next pair that is certain, or that has waited long enough; None until more frames are pushed."""
        if not self._known():
            return None
        side = self._pace_setter()
        pacer, other = self._queues[side], self._queues[OTHER_SIDE[side]]
        while pacer.waiting:
            head = pacer.waiting[0]
            self._drop_farther(other, head.stamp_ns)
            if not self._certain(head, other, now_ns):
                return None
            pacer.waiting.popleft()
            if other.waiting and abs(other.waiting[0].stamp_ns - head.stamp_ns) <= self.tolerance_ns:
                self._used_ns = other.waiting[0].stamp_ns
                return _pair(side, head.frame, other.waiting[0].frame)
            pacer.note_dropped(head.frame, self._why_alone(head.stamp_ns, other))
        return None

    def _why_alone(self, stamp_ns: int, other: SideQueue) -> Reason:
        if other.ended_before(stamp_ns):
            return "after_end"
        if not other.waiting:
            return "missing"
        slower_ns = slower_period_ns(self._queues.values())
        gap_ns = abs(other.waiting[0].stamp_ns - stamp_ns)
        return why_unpaired(gap_ns, taken=False, slower_ns=slower_ns, tolerance_ns=self.tolerance_ns)

    def _drop_farther(self, kept: SideQueue, target_ns: int) -> None:
        """Drop frames from the front as long as the one behind is strictly nearer to the target."""
        while len(kept.waiting) > 1 and abs(kept.waiting[1].stamp_ns - target_ns) < abs(
            kept.waiting[0].stamp_ns - target_ns
        ):
            entry = kept.waiting.popleft()
            if entry.stamp_ns != self._used_ns:
                kept.note_dropped(entry.frame, "spare")

    def _known(self) -> bool:
        """Whether both periods are known well enough, or will never be."""
        least = 1 if self._pacer else _INTERVALS_TO_DECIDE
        return all(queue.ended or len(queue.intervals) >= least for queue in self._queues.values())

    def _pace_setter(self) -> Side:
        if self._pacer is None:
            visible_ns, infrared_ns = (queue.period_ns or 0 for queue in self._queues.values())
            self._pacer = "visible" if visible_ns <= infrared_ns else "infrared"
        return self._pacer

    def _certain(self, head: Waiting, other: SideQueue, now_ns: int | None) -> bool:
        """Whether the other side's first frame is the nearest there is, or will be in time."""
        if other.ended or (other.last_ns is not None and other.last_ns >= head.stamp_ns):
            return True
        if not self._prompt:
            return False
        if now_ns is not None and now_ns - head.arrived_ns >= self._fast_period_ns():
            return True
        if not other.waiting or other.period_ns is None or other.last_ns is None:
            return False
        gap_ns = head.stamp_ns - other.waiting[0].stamp_ns
        return other.last_ns + other.period_ns - head.stamp_ns >= gap_ns

    def _fast_period_ns(self) -> int:
        return min(queue.period_ns or 0 for queue in self._queues.values())


def _pair(side: Side, paced: Frame, partner: Frame) -> FramePair:
    return FramePair(paced, partner, clock=side) if side == "visible" else FramePair(partner, paced, clock=side)
