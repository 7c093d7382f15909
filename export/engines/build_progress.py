"""The progress of an engine build: what TensorRT reports, and a display of it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from coconet.commands.__main__ import asked_to_end, called_by_native_code
from coconet.terminal import Console


class BuildProgress(Protocol):
    """Takes the progress of a build: named phases inside each other, each of a known number of steps."""

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Begin a phase; the outermost one has no parent."""

    def step(self, phase: str, done: int) -> None:
        """Report how many steps of a phase are done."""

    def finish(self, phase: str) -> None:
        """End a phase, complete or not."""


class NoProgress:
    """Shows nothing."""

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Do nothing."""

    def step(self, phase: str, done: int) -> None:
        """Do nothing."""

    def finish(self, phase: str) -> None:
        """Do nothing."""


class BarProgress:
    """A spinner and a bar for the build as a whole, one more bar for every phase inside it; silent on no terminal.

    Where TensorRT reports nothing (before 10.0) the spinner is all there is.
    """

    def __init__(self, title: str) -> None:
        """Prepare the display, on standard error."""
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
        self._whole = self._bars.add_task(title, total=None)
        self._tasks: dict[str, TaskID] = {}

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Add a bar for a phase, or give the whole build its length."""
        if parent is None:
            self._tasks[phase] = self._whole
            self._bars.update(self._whole, total=steps)
        else:
            self._tasks[phase] = self._bars.add_task(f"  {phase}", total=steps)

    def step(self, phase: str, done: int) -> None:
        """Move a bar."""
        self._bars.update(self._tasks[phase], completed=done)

    def finish(self, phase: str) -> None:
        """Take the bar of a phase away; the one of the whole build stays."""
        task = self._tasks.pop(phase)
        if task != self._whole:
            self._bars.remove_task(task)

    def __enter__(self) -> BarProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bars.stop()


def progress_monitor(trt: Any, progress: BuildProgress) -> Any:
    """TensorRT's own monitor that passes on to `progress`; None if this TensorRT has none (before 10.0).

    An exception from `progress` must not travel through TensorRT: it cancels the build and is kept as the monitor's
    `failure`. A signal that asks the command to end cancels it too.
    """
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.failure: BaseException | None = None

        def _tell(self, method: Any, *arguments: Any) -> None:
            try:
                method(*arguments)
            except BaseException as error:  # raised again by the builder
                self.failure = self.failure or error

        @called_by_native_code
        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self._tell(progress.start, name, parent, steps)

        @called_by_native_code
        def step_complete(self, name: str, step: int) -> bool:
            self._tell(progress.step, name, step + 1)
            return self.failure is None and not asked_to_end()

        @called_by_native_code
        def phase_finish(self, name: str) -> None:
            self._tell(progress.finish, name)

    return Monitor()
