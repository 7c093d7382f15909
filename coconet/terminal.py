"""What goes to a terminal: text as it is, and progress bars on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Generic, TypeVar

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track
from rich.text import Text

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\ufffd")
"""What may move a cursor or colour a terminal; line feeds and tabulators may not."""


def harmless(text: str) -> str:
    """The same text, with a sign in place of each control character: a file may have any in its names."""
    return text.translate(_CONTROLS)


class Console(RichConsole):
    """A console that prints text as it is: in the name of a file, a camera or a model, brackets are no markup.

    Nor are control characters. Colours are said by rich's Text and by styles.
    """

    def __init__(
        self, *, stderr: bool = False, soft_wrap: bool = False, width: int | None = None, file: IO[str] | None = None
    ) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, width=width, file=file, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does."""
        for text in objects:
            if isinstance(text, Text):
                text.plain = harmless(text.plain)  # as long as before, so that the colours stay
        super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make Text of a string, also of one in a table."""
        return super().render_str(harmless(text), **options)


def print_warning(sentence: str, kind: str = "warning") -> None:
    """Print a sentence on stderr, after the word warning, or another one."""
    Console(stderr=True).print(Text.assemble((f"{kind}: ", "yellow"), sentence), soft_wrap=True)


@contextmanager
def frame_progress(frames_expected: int | None, label: str = "fusing") -> Iterator[Callable[[object], None]]:
    """Give what to call after every frame; without an expected number the bar only counts."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(label, total=frames_expected)
        yield lambda _frame: bars.advance(task)


@contextmanager
def batch_progress(jobs: int) -> Iterator[Callable[[int, str], None]]:
    """Give what to call with the number of jobs that have ended, and a line that stands beside the bar."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=jobs)
        yield lambda ended, line: bars.update(task, completed=ended, description=line)


Item = TypeVar("Item")


@dataclass(frozen=True)
class ProgressItems(Generic[Item]):
    """The items, with a bar at every pass over them; `doing` stands before it."""

    items: Iterable[Item]
    doing: str

    def __iter__(self) -> Iterator[Item]:
        """Give the items; the bar has an end where their number is known."""
        console = Console(stderr=True)
        total = len(self.items) if isinstance(self.items, Sized) else None
        yield from track(self.items, self.doing, total=total, console=console, disable=not console.is_terminal)
