"""A call beside the block: its result, its error, and what becomes of a result that nobody waits for."""

from __future__ import annotations

from threading import Event, current_thread
from typing import NoReturn

import pytest

from coconet.runtime.threads.beside import called_beside

MOST_S = 30.0


def test_the_call_runs_while_the_block_does() -> None:
    begun, go_on = Event(), Event()

    def call() -> str:
        begun.set()
        assert go_on.wait(MOST_S)
        return current_thread().name

    with called_beside(call, "a name") as result:
        assert begun.wait(MOST_S)
        go_on.set()
        assert result() == "a name"


def test_its_error_is_raised_to_who_waits() -> None:
    def call() -> NoReturn:
        raise ConnectionError("no answer")

    with called_beside(call, "call") as result, pytest.raises(ConnectionError, match="no answer"):
        result()


def test_nothing_is_a_result_too() -> None:
    with called_beside(lambda: None, "call") as result:
        assert result() is None


@pytest.mark.parametrize("is_there_before", [True, False])
def test_a_result_that_nobody_waits_for_is_dropped_once(is_there_before: bool) -> None:
    go_on, made, dropped, drops = Event(), Event(), Event(), list[str]()

    def call() -> str:
        assert go_on.wait(MOST_S)
        made.set()
        return "camera"

    def drop(result: str) -> None:
        drops.append(result)
        dropped.set()

    def block() -> None:
        with called_beside(call, "call", drop):
            if is_there_before:
                go_on.set()
                assert made.wait(MOST_S)
            raise KeyError("the block")

    with pytest.raises(KeyError, match="the block"):
        block()
    go_on.set()
    assert dropped.wait(MOST_S)
    assert drops == ["camera"]


def test_a_result_that_was_taken_is_not_dropped() -> None:
    drops = list[int]()
    with called_beside(lambda: 3, "call", drops.append) as result:
        assert result() == 3
    assert drops == []
