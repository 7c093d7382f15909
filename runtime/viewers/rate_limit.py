"""Rates of what others cause: how often something may be done, and how often it is worth a line of the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from coconet.errors import CoconetError
from coconet.event_log import log_event


class TooOften(CoconetError):
    """Something was asked for more often than it may be."""


class RateLimit:
    """Some times at once, and then once per period; any thread may ask."""

    def __init__(self, burst: int, period_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._period_s, self._now_s = burst, period_s, now_s
        self._left, self._last_s = float(burst), now_s()
        self._lock = Lock()

    def take(self) -> bool:
        """Whether it may be done once more now, which is counted."""
        with self._lock:
            now_s = self._now_s()
            self._left = min(float(self._burst), self._left + (now_s - self._last_s) / self._period_s)
            self._last_s = now_s
            if self._left < 1:
                return False
            self._left -= 1
            return True


class QuietLog:
    """Log lines about what anybody can cause from outside: few, each with the number of those that were left out."""

    def __init__(self, allowance: RateLimit | None = None) -> None:
        """Prepare to log five lines at once and one every ten seconds unless told otherwise."""
        self._allowance = allowance or RateLimit(5, 10.0)
        self._left_out = 0

    def note(self, event: str, **fields: Any) -> None:
        """Log a warning, or count it as left out."""
        if not self._allowance.take():
            self._left_out += 1
            return
        left_out, self._left_out = self._left_out, 0
        log_event(event, level=logging.WARNING, **fields, **({"left_out": left_out} if left_out else {}))


def locate_error(error: BaseException) -> str:
    """The kind of an unexpected error and the line it comes from: for one line of a log, in place of a traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {Path(code.co_filename).name}, {code.co_name}, line {trace.tb_lineno}"
