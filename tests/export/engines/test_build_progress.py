"""What a build tells and shows while it runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from coconet.export.engines.build_progress import NoProgress, ShownProgress, progress_monitor
from coconet.progress import board as progress
from coconet.progress.board import Board
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
    monitor = progress_monitor(rtx_module(), ShownProgress("build"))
    assert not monitor.step_complete("a phase that never began", 0)
    assert isinstance(monitor.failure, KeyError)


def test_a_tensorrt_without_monitor_gets_none() -> None:
    assert progress_monitor(SimpleNamespace(), NoProgress()) is None


def test_the_phase_that_is_under_way_is_told_and_then_the_whole_again(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board()
    monkeypatch.setattr(progress, "_BOARD", board)
    monkeypatch.setenv(progress.SWITCH, "")

    def told() -> tuple[str, float, float | None]:
        work = board.find_told()
        assert work is not None
        return work.doing.strip(), work.done, work.total

    with ShownProgress("Building x.engine") as shown:
        shown.start("whole", None, 2)
        shown.start("timing", "whole", 4)
        shown.step("timing", 3)
        assert told() == ("timing", 3, 4)
        shown.finish("timing")
        shown.step("whole", 1)
        assert told() == ("Building x.engine", 1, 2)
        shown.finish("whole")
    assert board.find_told() is None
