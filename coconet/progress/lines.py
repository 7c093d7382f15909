"""Progress in a pipe or a journal: a plain line every ten seconds or more, without carriage returns or colours."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from coconet.progress.work import Work
from coconet.terminal.notice import print_line

LEAST_GAP_S, MOST_GAP_S, ENDLESS_GAP_S = 10.0, 30.0, 600.0
"""Seconds between two lines, the first of which comes at once: at first, at most, and at most without a known end."""

_TICK_S = 0.2

_FIRST_S = 0.8  # from the beginning of a work to its first line, if nothing was told just before

_JOIN_S = 1.0


class ProgressLines:
    """Says a line of what `told` gives every ten seconds or more, from a thread, as a step in a library may be long."""

    def __init__(self, told: Callable[[], Work | None]) -> None:
        """Begin to tell."""
        self._told, self._over, self._changed = told, Event(), Event()
        self._thread = Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say no more."""
        self._over.set()
        self._changed.set()
        self._thread.join(_JOIN_S)

    def look(self) -> None:
        """Ask again what there is to tell: while that is nothing, the thread waits for this."""
        self._changed.set()

    def _run(self) -> None:
        said_s, last = time.monotonic() - LEAST_GAP_S, None
        while not self._over.wait(_TICK_S):
            self._changed.clear()
            if (work := self._told()) is None:
                if not self._over.is_set():
                    self._changed.wait()
                said_s = time.monotonic()
                continue
            now_s = time.monotonic()
            if work is not last:
                last, said_s = work, max(said_s, work.begun_s + _FIRST_S - LEAST_GAP_S)
            if now_s - said_s >= _gap(work, now_s) - _TICK_S:
                said_s = now_s
                say(work.line(now_s))


def _gap(work: Work, now_s: float) -> float:
    """A part of the time it takes already: a run of a week leaves some hundred lines in a journal if it has no end."""
    most = ENDLESS_GAP_S if work.endless else MOST_GAP_S
    return max(LEAST_GAP_S, min((now_s - work.begun_s) / 20, most))


def say(line: str) -> None:
    """Say a line on stderr; what would break it in two is replaced."""
    print_line(_plain(line))


def _plain(line: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
