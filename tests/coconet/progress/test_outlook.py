"""How long work takes is told once, before the most of it, from its first steps on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coconet.progress.board import SWITCH, Board, working
from coconet.progress.outlook import span_in_words, step_in_words
from coconet.progress.work import Work


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def told(steps_s: list[float], **fields: Any) -> list[str]:
    """What is told while steps of these lengths are made, with how many were made by then."""
    clock, said = Clock(), list[str]()
    work = Work(**{"doing": "comparing", "total": 100, "clock": clock, **fields})
    work.tell = lambda line: said.append(f"{work.done:g}: {line}")
    work.begin()
    for step_s in steps_s:
        clock.now_s += step_s
        work.advance()
    return said


def test_the_first_step_warms_up_and_two_seconds_of_the_others_are_enough() -> None:
    assert told([9.0, *[0.5] * 99]) == ["5: comparing: about 48 s to go on this machine: 95 more at 0.50 s each"]


def test_one_long_step_is_enough_by_itself() -> None:
    assert told([60.0]) == ["1: comparing: about 99 min to go on this machine: 99 more at 60 s each"]


def test_of_a_share_no_steps_are_told() -> None:
    assert told([60.0, 1.0, 1.0], share=True) == ["3: comparing: about 97 s to go on this machine"]


def test_a_run_that_goes_on_is_told_from_its_own_steps() -> None:
    said = told([1.0, 2.0, 2.0], done=90.0, hint="Ctrl-C keeps them")
    assert said == ["92: comparing: about 16 s to go on this machine: 8 more at 2.00 s each; Ctrl-C keeps them"]


def test_what_is_done_aside_before_the_first_step_tells_nothing_of_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SWITCH, "on")
    clock, said, board = Clock(), list[str](), Board()
    outer = Work("fusing", 40, clock=clock)
    with board.showing(outer):
        outer.tell = said.append
        with board.showing(Work("measuring what is fastest here", 8, aside=True, clock=clock)):
            clock.now_s += 26.0
        for _ in range(4):
            clock.now_s += 0.8
            outer.advance()
        assert outer.line(clock.now_s) == "fusing: 4 of 40, about 29 s left"
    assert said == ["fusing: about 29 s to go on this machine: 36 more at 0.80 s each"]


def test_what_is_a_part_of_a_step_counts_as_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "on")
    clock, board = Clock(), Board()
    outer = Work("training", 4, clock=clock)
    with board.showing(outer), board.showing(Work("validating", 8, clock=clock)):
        clock.now_s += 30.0
    outer.advance()
    assert outer.line(clock.now_s) == "training: 1 of 4, about 90 s left"


@pytest.mark.parametrize(
    "fields",
    [{"total": None}, {"uneven": True}, {"endless": True}, {"total": 6}],
    ids=["no end is known", "steps differ", "no end", "nearly over"],
)
def test_nothing_is_told_of_what_the_first_steps_do_not_tell_and_of_a_few_seconds(fields: dict[str, Any]) -> None:
    assert told([2.0, 2.0, 2.0, 2.0], **fields) == []


def test_a_share_is_told_without_a_number_of_steps() -> None:
    clock, said = Clock(), list[str]()
    work = Work("timing", 1.0, clock=clock, tell=said.append)
    for share, now_s in ((0.1, 59.0), (0.12, 63.0), (0.5, 100.0)):
        clock.now_s = now_s
        work.update(done=share)
    assert said == ["timing: about 3 min to go on this machine"]


def test_what_goes_by_the_clock_is_told_at_its_beginning() -> None:
    assert told([], by_clock=True, total=600.0) == ["0: comparing: takes 10 min"]
    assert told([], by_clock=True, total=5.0) == []


def test_the_line_goes_to_stderr_and_names_the_whole_whatever_is_being_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCONET_PROGRESS", "on")
    with working("training", 1000) as work:
        work.clock = ticks(3.0)
        for step in range(1, 4):
            work.update(f"training, loss {1 / step:.3f}", done=step)
    streams = capsys.readouterr()
    assert streams.err == "training: about 50 min to go on this machine: 998 more at 3.00 s each\n"
    assert streams.out == ""


def ticks(step_s: float) -> Any:
    def passing() -> Iterator[float]:
        now_s = 0.0
        while True:
            yield now_s
            now_s += step_s

    return passing().__next__


def test_times_are_told_in_the_unit_that_suits_them() -> None:
    assert [span_in_words(one) for one in (9.4, 119, 121, 5400, 9000)] == ["9 s", "119 s", "2 min", "90 min", "2.5 h"]
    assert [step_in_words(one) for one in (0.0, 0.0012, 0.012, 0.36, 4, 40, 400)] == [
        *("0 ms", "1.2 ms", "12 ms", "0.36 s", "4.00 s", "40 s", "7 min"),
    ]
