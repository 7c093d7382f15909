"""Gaps in a stream: frames that a camera never gave, by the numbers and the stamps of those that it gave."""

from __future__ import annotations

from collections import deque
from statistics import median

from coconet.runtime.frame import STILL, Frame

_REMEMBERED = 101  # steps that the usual one is the median of

_LEAST = 5  # steps before one counts as usual

_GAP = 1.6  # usual steps; below, it is jitter


class FrameGaps:
    """Looks at frame after frame of one camera. missing: how many there would have been in the gaps between them.

    A gap is a number that was left out, or a step of time much longer than usual. Stamps that are times of arrival, or
    places in a folder of stills, tell nothing of gaps.
    """

    def __init__(self) -> None:
        self._steps: deque[int] = deque(maxlen=_REMEMBERED)
        self._last: Frame | None = None
        self._early: list[tuple[int, int]] = []
        self._missing = 0

    def note(self, frame: Frame) -> None:
        """Take the next frame."""
        before, self._last = self._last, frame
        if before is None or frame.stamps == STILL:
            return
        step_ns = frame.timestamp_ns - before.timestamp_ns
        numbered = max(0, frame.index - before.index - 1)
        if step_ns <= 0 or frame.stamps == "arrival":
            self._missing += numbered
            return
        self._steps.append(step_ns // (numbered + 1))
        if len(self._steps) < _LEAST:
            self._early.append((step_ns, numbered))
            return
        usual_ns = median(self._steps)
        steps = [*self._early, (step_ns, numbered)]
        self._early.clear()
        self._missing += sum(_missing_in(one, by_number, usual_ns) for one, by_number in steps)

    @property
    def missing(self) -> int:
        """How many frames the gaps so far would have held."""
        return self._missing + sum(numbered for _, numbered in self._early)


def _missing_in(step_ns: int, numbered: int, usual_ns: float) -> int:
    by_time = round(step_ns / usual_ns) - 1 if step_ns > _GAP * usual_ns else 0
    return max(numbered, by_time)
