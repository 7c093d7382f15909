"""The pace of a training: the seconds a step takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from coconet.progress.outlook import step_in_words


class Pace:
    """Counts the steps of this process, not those that an earlier one made; the first one, which warms up, is none."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first_s: float | None = None

    def after(self, made: int) -> str:
        """What is said of the pace beside the loss after `made` steps of this process."""
        now_s = self._clock()
        if self._first_s is None or made < 2:
            self._first_s = now_s
            return ""
        return f", {step_in_words((now_s - self._first_s) / (made - 1))} a step"
