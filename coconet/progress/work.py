"""Work: one thing a command is doing, how far it is, and the line that says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Work:
    """One thing a command is doing. total: how much there is; None if nobody knows. done: how much of it is done.

    The total of a share is 1. began_at: how much was done before. by_clock: `done` and `total` are seconds, which pass
    by themselves.
    """

    doing: str
    total: float | None = None
    done: float = 0.0
    by_clock: bool = False
    begun_s: float = field(default_factory=time.monotonic)
    endless: bool = False
    on_change: Callable[[Work], None] = lambda work: None

    def __post_init__(self) -> None:
        """Remember where it began."""
        self._began_at = self.done

    def advance(self, _item: object = None) -> None:
        """One more is done; what it was does not matter, so that this can be handed to whatever reports items."""
        self.update(done=self.done + 1)

    def update(self, doing: str | None = None, *, done: float | None = None, total: float | None = None) -> None:
        """Change what is said of it."""
        self.doing = self.doing if doing is None else doing
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.on_change(self)

    def line(self, now_s: float) -> str:
        """What is said of it at a moment of time.monotonic: how far it is and, once that is known, what is left."""
        elapsed = now_s - self.begun_s
        done = min(elapsed, self.total or elapsed) if self.by_clock else self.done
        if self.total is None or self.total <= 0:
            count = f"{done:g}, " if done > self._began_at else ""
            return f"{self.doing}: {count}{span_in_words(elapsed)} so far"
        if self.by_clock:
            return f"{self.doing}: {span_in_words(done)} of {span_in_words(self.total)}"
        here = f"{done / self.total:.0%}" if self.total == 1 else f"{done:.0f} of {self.total:.0f}"
        if done <= self._began_at:
            return f"{self.doing}: {here}, {span_in_words(elapsed)} so far"
        left = elapsed * (self.total - done) / (done - self._began_at)
        return f"{self.doing}: {here}, about {span_in_words(left)} left"


class Display(Protocol):
    """Shows works on a terminal."""

    def add(self, work: Work) -> None:
        """Show a work, and its changes, below those that it is a part of."""

    def remove(self, work: Work) -> None:
        """Show it no longer."""


def span_in_words(seconds: float) -> str:
    """A span of time in the unit that suits it: `9 s`, `4 min`, `2.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
