"""A thread that works until it is stopped: it ends, it is not waited for endlessly, and it does not die in silence."""

from __future__ import annotations

import gc
import weakref
from threading import Event

import pytest

from coconet.errors import CoconetError
from coconet.event_log import LogStyle, logging_as
from coconet.runtime.threads.background import Background
from tests.support.programs.patience import PATIENCE_S


def test_a_thread_works_inside_its_block() -> None:
    begun = Event()

    def work() -> None:
        begun.set()
        thread.stopping.wait()

    thread = Background(work, "worker")
    with thread:
        assert begun.wait(PATIENCE_S)
        assert thread.running
    assert not thread.running


def test_what_goes_wrong_in_the_thread_is_logged_and_raised_at_the_end_of_the_block(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_as(LogStyle.TEXT), pytest.raises(ZeroDivisionError), Background(lambda: 1 // 0, "worker"):
        pass
    assert "error thread failed thread=worker error=ZeroDivisionError" in capsys.readouterr().err


def test_what_goes_wrong_without_a_log_is_said_on_stderr_without_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("rtsp://user:hidden@camera/1")

    with pytest.raises(RuntimeError), Background(fail, "worker"):
        pass
    said = capsys.readouterr().err
    assert "warning: the thread worker has failed: RuntimeError" in said
    assert "hidden" not in said


def test_an_error_of_the_block_is_not_hidden_by_one_of_the_thread() -> None:
    def fail() -> None:
        raise CoconetError("disk", wanted="room", got="none", remedy="Free some.", says="has no room")

    with pytest.raises(KeyError), Background(fail, "worker"):
        raise KeyError


def test_a_thread_that_is_stuck_is_left_alone() -> None:
    freed = Event()
    thread = Background(freed.wait, "worker")
    thread.start()
    assert not thread.stop(0.01)
    assert not thread.stop(0.01)  # its patience is over
    freed.set()
    assert thread.stop(1e9) or not thread.running


def test_the_end_is_told_once_the_error_is_known() -> None:
    seen: list[BaseException | None] = []
    thread = Background(lambda: 1 // 0, "worker", lambda: seen.append(thread.error))
    thread.start()
    assert thread.stop(20)
    assert [type(error) for error in seen] == [ZeroDivisionError]


def test_a_thread_that_was_never_started_stops_at_once() -> None:
    assert Background(Event().wait, "worker").stop(1e9)


def test_the_error_of_a_thread_holds_nothing_that_its_work_held() -> None:
    class Held:
        """What takes memory, or threads."""

    seen: list[weakref.ref[Held]] = []

    def fail() -> None:
        held = Held()
        seen.append(weakref.ref(held))
        try:
            raise ValueError("first")
        except ValueError as error:
            raise CoconetError("x", wanted="a", got="b", remedy="C.", says="is b") from error

    gc.disable()
    try:
        thread = Background(fail, "failing")
        thread.start()
        assert thread.stop(PATIENCE_S)
        assert isinstance(thread.error, CoconetError)
        assert seen[0]() is None
    finally:
        gc.enable()
