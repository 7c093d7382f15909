"""How long work is going to take, told once before the most of it: its first steps are timed on this machine."""

from __future__ import annotations

from dataclasses import dataclass

TIMED_S = 2.0
"""Seconds of work after the first step that are enough to tell from; the first one warms up and does not count."""

LONG_FIRST_S = 10.0
"""A first step of that many seconds is told from as it is: what warms up is a small part of it."""

WORTH_S = 10.0
"""Work that goes on for less than that is not worth a line."""


@dataclass
class Outlook:
    """Follows one work up to the moment when enough is done to tell what is left.

    begun_s: when it began, in seconds of the clock that `after` takes. done: how much was done before. in_steps:
    whether it is made of steps, whose time the line gives; the first sign of other work may be small, and late.
    """

    begun_s: float
    done: float = 0.0
    in_steps: bool = True

    def __post_init__(self) -> None:
        """Nothing is told, and no step is made."""
        self._first_s: float | None = None
        self._first_done = self.done
        self._told = False

    def after(self, done: float, total: float, now_s: float) -> str:
        """What is to be said of the time left, once; empty before and afterwards, and if little is left.

        total: 1 for a share. now_s: in seconds.
        """
        if self._told or done <= self.done:
            return ""
        if self._first_s is None:
            self._first_s, self._first_done = now_s, done
        seconds, made = now_s - self._first_s, done - self._first_done
        if self.in_steps and self._first_s - self.begun_s >= LONG_FIRST_S:
            seconds, made = now_s - self.begun_s, done - self.done
        elif seconds < TIMED_S or made <= 0:
            return ""
        self._told = True
        each_s, left = seconds / made, total - done
        if each_s * left < WORTH_S:
            return ""
        span = f"about {span_in_words(each_s * left)} to go on this machine"
        return f"{span}: {left:.0f} more at {step_in_words(each_s)} each" if self.in_steps and total != 1 else span

    def put_off(self, seconds: float) -> None:
        """Leave a stretch of time out that has just passed."""
        self.begun_s += seconds
        self._first_s = None if self._first_s is None else self._first_s + seconds


def span_in_words(seconds: float) -> str:
    """A span of time in the unit that suits it: `9 s`, `4 min`, `2.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def step_in_words(seconds: float) -> str:
    """What one step takes: `12 ms`, `0.36 s`, `4 min`."""
    if seconds < 0.1:
        return f"{seconds * 1e3:.2g} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else span_in_words(seconds)
