"""The pace of a training: the seconds a step takes, and what that makes of the whole, said before the most of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from coconet.progress.work import span_in_words

TRIAL_STEPS = 5
"""Steps after which the whole is estimated; the first one, which warms up, does not count."""


class Pace:
    """Counts the steps of this process, not those that an earlier one made. steps: of the whole run."""

    def __init__(self, steps: int, tell: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._steps, self._tell, self._clock = steps, tell, clock
        self._first_s: float | None = None

    def after(self, made: int, step: int) -> str:
        """What is said of the pace beside the loss after `made` steps of this process, at this step of the run."""
        now_s = self._clock()
        if self._first_s is None or made < 2:
            self._first_s = now_s
            return ""
        seconds = (now_s - self._first_s) / (made - 1)
        if made == TRIAL_STEPS and step < self._steps:
            left = span_in_words(seconds * (self._steps - step))
            self._tell(
                f"{self._steps - step} steps to go, {_in_words(seconds)} a step: about {left}; Ctrl-C keeps them"
            )
        return f", {_in_words(seconds)} a step"


def _in_words(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.0f} ms"
