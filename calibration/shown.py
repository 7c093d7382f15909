"""Items with a progress bar: what takes long says how far it is, on stderr and only in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import Console
from rich.progress import track

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
