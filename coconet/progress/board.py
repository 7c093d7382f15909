"""Progress: what a command does and how far it is, as bars on a terminal, as plain lines in a pipe or a journal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from coconet.progress.lines import ProgressLines, say
from coconet.progress.work import Display, Work
from coconet.terminal.notice import on_terminal

SWITCH = "COCONET_PROGRESS"
"""The environment variable that, set to `off`, keeps commands from saying what they are doing."""

_STARTING = " is starting"  # until it says what it does


@contextmanager
def working(
    doing: str, total: float | None = None, *, done: float = 0.0, by_clock: bool = False, endless: bool = False
) -> Iterator[Work]:
    """Say on stderr what is being done within the block, how far it is, and once how long it will take; see Work."""
    with tell_of(Work(doing, total, done, by_clock, endless)) as work:
        yield work


@contextmanager
def tell_of(work: Work) -> Iterator[Work]:
    """Do the same for a work that there is more to say of."""
    with _BOARD.showing(work):
        yield work


@contextmanager
def command_under_way(command: str, *, live: bool) -> Iterator[None]:
    """Say that a command is alive whenever nothing else is said of it for a while, such as while it imports packages.

    live: it has no end of its own, so that only its beginning is told; see `settled`.
    """
    with _BOARD.showing(Work(f"coconet {command}{_STARTING}", endless=live), base=True):
        yield


def settled() -> None:
    """Of a live command: it has begun, and says from now on what it has to say."""
    _BOARD.settle()


Item = TypeVar("Item")


@dataclass(frozen=True)
class ProgressItems(Generic[Item]):
    """The items, with their progress at every pass over them; `doing` stands before it."""

    items: Iterable[Item]
    doing: str

    def __iter__(self) -> Iterator[Item]:
        """Give the items; there is an end where their number is known."""
        with working(self.doing, len(self.items) if isinstance(self.items, Sized) else None) as work:
            for item in self.items:
                yield item
                work.advance()


class Board:
    """Everything that is being done, the outermost first, and what shows the innermost."""

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._base: Work | None = None
        self._display: Display | None = None
        self._lock = Lock()
        self._lines: ProgressLines | None = None

    @contextmanager
    def showing(self, work: Work, *, base: bool = False) -> Iterator[Work]:
        """Tell of a work within the block. base: of the command as a whole, if of nothing in it."""
        if os.environ.get(SWITCH) == "off":
            yield work
            return
        self._begin(work, base=base)
        work.tell = say
        work.begin()
        try:
            yield work
        finally:
            self._end(work)

    def settle(self) -> None:
        """Tell no more of the command as a whole."""
        with self._lock:
            if self._base in self._works:
                self._works.remove(self._base)

    def find_told(self) -> Work | None:
        """The work that a line is to be said of: the innermost one, unless a bar shows it."""
        with self._lock:
            if not self._works or (self._display is not None and self._works[-1] is not self._base):
                return None
            return self._works[-1]

    def _begin(self, work: Work, *, base: bool) -> None:
        with self._lock:
            self._works.append(work)
            if self._base is not None and not base:
                self._base.doing = self._base.doing.removesuffix(_STARTING)
            if base:
                self._base = work
            elif on_terminal():
                if self._display is None:
                    from coconet.progress.bars import ProgressBars

                    self._display = ProgressBars()
                self._display.add(work)
            if self._lines is not None:
                self._lines.look()
            elif base or self._display is None:
                self._lines = ProgressLines(self.find_told)

    def _end(self, work: Work) -> None:
        lines = None
        with self._lock:
            if work in self._works:
                self._works.remove(work)
            if work.aside:
                for one in self._works:
                    one.put_off(work.clock() - work.begun_s)
            if self._display is not None and work is not self._base:
                self._display.remove(work)
            if not any(one is not self._base for one in self._works):
                self._display = None
            if work is self._base:
                self._base = None
            if self._lines is not None:
                self._lines.look()
            if not self._works:
                lines, self._lines = self._lines, None
        if lines is not None:
            lines.close()


_BOARD = Board()
