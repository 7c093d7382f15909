"""The pace of a training is that of this process, and the length of the rest is told once."""

from __future__ import annotations

from itertools import chain, count

from coconet.training.pace import Pace


def test_the_rest_is_told_after_five_steps_of_this_process_and_the_first_does_not_count() -> None:
    told: list[str] = []
    clock = chain([10.0], count(20.0, 2.0))
    pace = Pace(1000, told.append, lambda: next(clock))
    said = [pace.after(made, 400 + made) for made in range(1, 8)]
    assert said[:2] == ["", ", 10.00 s a step"]
    assert said[-1] == ", 3.33 s a step"
    assert told == ["595 steps to go, 4.00 s a step: about 40 min; Ctrl-C keeps them"]


def test_a_run_that_is_at_its_end_by_then_tells_no_rest() -> None:
    told: list[str] = []
    pace = Pace(5, told.append, lambda: 0.0)
    assert [pace.after(made, made) for made in range(1, 6)][-1] == ", 0 ms a step"
    assert told == []
