"""Work: one thing a command is doing, how far it is, and the line that says so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from coconet.progress.outlook import WORTH_S, Outlook, span_in_words


@dataclass(eq=False)
class Work:
    """One thing a command is doing. total: how much there is; None if nobody knows. done: how much of it is done.

    The total of a share is 1. by_clock: `done` and `total` are seconds, which pass by themselves. endless: it goes on
    until somebody stops it. uneven: its steps take so different times that the first ones tell nothing of the others.
    aside: it is no part of the works around it, whose time stands meanwhile.
    share: what `done` and `total` count are no steps, so only the share is said. called: what the whole is, if it does
    not begin with that. hint: what is worth knowing of work that takes long, such as how to stop it. clock: seconds, of
    a clock that never goes back. tell: takes the line that says how long it will take, which comes once.
    """

    doing: str
    total: float | None = None
    done: float = 0.0
    by_clock: bool = False
    endless: bool = False
    uneven: bool = False
    aside: bool = False
    share: bool = False
    called: str = ""
    hint: str = ""
    clock: Callable[[], float] = time.monotonic
    begun_s: float = field(default=math.nan)
    on_change: Callable[[Work], None] = lambda work: None
    tell: Callable[[str], object] = lambda line: None

    def __post_init__(self) -> None:
        """Remember where it began."""
        self._began_at = self.done
        self.called = self.called or self.doing
        if math.isnan(self.begun_s):
            self.begun_s = self.clock()
        self._outlook = Outlook(self.begun_s, self.done, in_steps=not self.share)

    def begin(self) -> None:
        """Tell how long it will take, if that is known from the beginning."""
        if self.by_clock and not self.endless and self.total is not None and self.total >= WORTH_S:
            self.say(f"takes {span_in_words(self.total)}")

    def advance(self, _item: object = None) -> None:
        """One more is done; what it was does not matter, so that this can be handed to whatever reports items."""
        self.update(done=self.done + 1)

    def update(self, doing: str | None = None, *, done: float | None = None, total: float | None = None) -> None:
        """Change what is said of it."""
        self.doing = self.doing if doing is None else doing
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.on_change(self)
        if self.total is not None and not (self.by_clock or self.endless or self.uneven):
            outlook = self._outlook.after(self.done, self.total, self.clock())
            if outlook:
                self.say(outlook)

    def put_off(self, seconds: float) -> None:
        """Leave a stretch of time out that has just passed: the time left follows from the others."""
        self.begun_s += seconds
        self._outlook.put_off(seconds)

    def say(self, outlook: str) -> None:
        """Tell a line about how long the whole takes."""
        self.tell(f"{self.called}: {outlook}{'; ' if self.hint else ''}{self.hint}")

    def line(self, now_s: float) -> str:
        """What is said of it at a moment of time.monotonic: how far it is and, once that is known, what is left."""
        elapsed = now_s - self.begun_s
        done = min(elapsed, self.total or elapsed) if self.by_clock else self.done
        if self.total is None or self.total <= 0:
            count = f"{done:g}, " if done > self._began_at else ""
            return f"{self.doing}: {count}{span_in_words(elapsed)} so far"
        if self.by_clock:
            return f"{self.doing}: {span_in_words(done)} of {span_in_words(self.total)}"
        here = f"{done / self.total:.0%}" if self.share or self.total == 1 else f"{done:.0f} of {self.total:.0f}"
        if done <= self._began_at or self.uneven:
            return f"{self.doing}: {here}, {span_in_words(elapsed)} so far"
        left = elapsed * (self.total - done) / (done - self._began_at)
        return f"{self.doing}: {here}, about {span_in_words(left)} left"


class Display(Protocol):
    """Shows works on a terminal."""

    def add(self, work: Work) -> None:
        """Show a work, and its changes, below those that it is a part of."""

    def remove(self, work: Work) -> None:
        """Show it no longer."""
