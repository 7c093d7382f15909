"""Progress bars on stderr, in a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track


@contextmanager
def frame_progress(frames_expected: int | None, label: str = "fusing") -> Iterator[Callable[[object], None]]:
    """Give what to call after every frame; without an expected number the bar only counts."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(label, total=frames_expected)
        yield lambda _frame: bars.advance(task)


Item = TypeVar("Item")


@dataclass(frozen=True)
class Shown(Generic[Item]):
    """The items, with a bar at every pass over them; `doing` stands before it."""

    items: Iterable[Item]
    doing: str

    def __iter__(self) -> Iterator[Item]:
        """Give the items; the bar has an end where their number is known."""
        console = Console(stderr=True)
        total = len(self.items) if isinstance(self.items, Sized) else None
        yield from track(self.items, self.doing, total=total, console=console, disable=not console.is_terminal)
