"""What a build tells and shows while it runs."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from coconet.export.engines.build_progress import BarProgress, NoProgress, progress_monitor
from coconet.runtime.backends.tensorrt.module import rtx_module


class Recorder(NoProgress):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        self.told.append(("start", phase, parent, steps))

    def step(self, phase: str, done: int) -> None:
        self.told.append(("step", phase, done))

    def finish(self, phase: str) -> None:
        self.told.append(("finish", phase))


def test_the_monitor_counts_steps_that_are_done() -> None:
    recorder = Recorder()
    monitor = progress_monitor(rtx_module(), recorder)
    monitor.phase_start("build", None, 2)
    assert monitor.step_complete("build", 0)
    monitor.phase_finish("build")
    assert recorder.told == [("start", "build", None, 2), ("step", "build", 1), ("finish", "build")]


def test_an_exception_cancels_the_build_and_is_kept() -> None:
    monitor = progress_monitor(rtx_module(), BarProgress("build"))
    assert not monitor.step_complete("a phase that never began", 0)
    assert isinstance(monitor.failure, KeyError)


def test_a_tensorrt_without_monitor_gets_none() -> None:
    assert progress_monitor(SimpleNamespace(), NoProgress()) is None


def test_the_bars_follow_the_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("coconet.export.engines.build_progress.Console", lambda **_: screen)
    with BarProgress("Building x.engine") as progress:
        progress.start("whole", None, 2)
        progress.start("timing", "whole", 4)
        progress.step("timing", 3)
        progress.finish("timing")
        progress.finish("whole")
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "Building x.engine" in shown


def test_no_terminal_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with BarProgress("Building x.engine") as progress:
        progress.start("whole", None, 2)
        progress.finish("whole")
    assert capsys.readouterr().err.strip() == ""
