"""A progress bar on stderr, one step a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runtime.frame import FusedFrame


@contextmanager
def frame_progress(frames_expected: int | None, label: str = "fusing") -> Iterator[Callable[[FusedFrame], None]]:
    """Give what to call after every frame; without an expected number the bar only counts."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(label, total=frames_expected)
        yield lambda frame: bars.advance(task)
