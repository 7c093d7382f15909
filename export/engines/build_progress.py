"""The progress of an engine build: what TensorRT reports, and a display of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from coconet.commands.__main__ import asked_to_end, called_by_native_code
from coconet.progress.board import tell_of
from coconet.progress.work import Work


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


_UNKNOWN = "how long it takes cannot be known beforehand, as TensorRT tries and times kernels layer by layer"


class ShownProgress:
    """Shows the build as a whole and every phase inside it, as coconet.progress does.

    Where TensorRT reports nothing (before 10.0) the time it takes is all there is.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown: dict[str, tuple[AbstractContextManager[Work], Work]] = {}
        self._outermost: str | None = None

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Show a phase, or give the whole build its length."""
        if parent is None:
            self._outermost = phase
            self._work_of(phase).update(total=steps)
            self._work_of(phase).say(_UNKNOWN)
        else:
            self._show(phase, f"  {phase}", steps)

    def step(self, phase: str, done: int) -> None:
        """Say how far it is."""
        self._work_of(phase).update(done=done)

    def finish(self, phase: str) -> None:
        """Show a phase no longer; the whole build stays."""
        if phase != self._outermost:
            self._shown.pop(phase)[0].__exit__(None, None, None)

    def _work_of(self, phase: str) -> Work:
        return self._shown[self._title if phase == self._outermost else phase][1]

    def _show(self, name: str, doing: str, total: float | None) -> None:
        bar = tell_of(Work(doing, total, uneven=True))
        self._shown[name] = (bar, bar.__enter__())

    def __enter__(self) -> ShownProgress:
        self._show(self._title, self._title, None)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for bar, _work in self._shown.values():
            bar.__exit__(None, None, None)
        self._shown.clear()


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
