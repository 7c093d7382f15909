"""Progress on a terminal: bars on stderr."""

from __future__ import annotations

import sys

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from coconet.progress.work import Work
from coconet.terminal.console import Console
from coconet.terminal.notice import harmless


class ProgressBars:
    """Bars on a terminal's stderr, one below the other. They go as their works end.

    What is printed meanwhile stands above them, but not if stdout goes elsewhere than to the terminal.
    """

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        console, both = Console(stderr=True), sys.stdout is not None and sys.stdout.isatty()
        self._bars = Progress(*columns, console=console, transient=True, redirect_stdout=both)
        self._tasks: dict[int, TaskID] = {}

    def add(self, work: Work) -> None:
        """Show a work, and its changes."""
        description, count = harmless(work.doing), _count(work)
        total = None if work.by_clock else work.total
        task = self._bars.add_task(description, total=total, count=count)
        self._bars.update(task, completed=work.done)
        self._tasks[id(work)] = task
        work.on_change = self._change
        self._bars.start()

    def remove(self, work: Work) -> None:
        """Show it no longer."""
        work.on_change = lambda _work: None
        self._bars.remove_task(self._tasks.pop(id(work)))
        if not self._tasks:
            self._bars.stop()

    def _change(self, work: Work) -> None:
        task = self._tasks[id(work)]
        self._bars.update(
            task, description=harmless(work.doing), completed=work.done, total=work.total, count=_count(work)
        )


def _count(work: Work) -> str:
    if work.by_clock:
        return f"of {work.total:.0f} s" if work.total else ""
    if work.total is None:
        return f"{work.done:.0f}" if work.done else ""
    return "" if work.share or work.total == 1 else f"{work.done:.0f}/{work.total:.0f}"
