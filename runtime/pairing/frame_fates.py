"""What became of each frame of a side: one thing, whatever happens to it, so that counts add up."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable

from coconet.runtime.frame import Frame
from coconet.runtime.pairing.nearest import Reason

_REMEMBERED = 4096
"""Frames whose fate is remembered one by one: many times those that can still be at hand."""


class FrameFates:
    """Counts the frames of a side, known by Frame.order. One that comes out counts as that, and no longer as dropped.

    A frame comes out again where it is held over several pairs, or is shown alone while a pairer still has it, which
    then drops it. came_out: how many have, each once. begins_ns: the stamp of the first frame, None before it.
    """

    def __init__(self) -> None:
        self.came_out, self._taken = 0, 0
        self.begins_ns: int | None = None
        self._dropped: Counter[Reason] = Counter()
        self._known: OrderedDict[int, Reason | None] = OrderedDict()  # None came out

    def take(self, stamp_ns: int) -> int:
        """Count a frame that was taken then, and give its order."""
        self.begins_ns = stamp_ns if self.begins_ns is None else self.begins_ns
        self._taken += 1
        return self._taken

    def come_out(self, frame: Frame) -> None:
        """Note that a frame is in a pair that comes out."""
        if frame.order in self._known:
            before = self._known[frame.order]
            if before is None:
                return
            self._dropped[before] -= 1
        self.came_out += 1
        self._remember(frame, None)

    def drop(self, frame: Frame, reason: Reason) -> None:
        """Note that a frame is let go, unless it has come out before."""
        if frame.order not in self._known:
            self._dropped[reason] += 1
            self._remember(frame, reason)

    def dropped(self) -> Counter[str]:
        """How many have not come out, by the reason."""
        return Counter({str(reason): count for reason, count in self._dropped.items()})

    def open_among(self, frames: Iterable[Frame]) -> int:
        """How many of the frames that wait have not come out yet."""
        return sum(frame.order not in self._known for frame in frames)

    def _remember(self, frame: Frame, fate: Reason | None) -> None:
        self._known[frame.order] = fate
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
