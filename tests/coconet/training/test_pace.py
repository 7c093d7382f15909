"""The pace of a training is that of this process."""

from __future__ import annotations

from itertools import chain, count

from coconet.training.pace import Pace


def test_the_first_step_of_this_process_does_not_count() -> None:
    clock = chain([10.0], count(20.0, 2.0))
    pace = Pace(lambda: next(clock))
    said = [pace.after(made) for made in range(1, 8)]
    assert said[:2] == ["", ", 10 s a step"]
    assert said[-1] == ", 3.33 s a step"


def test_steps_that_take_no_time_are_told_as_such() -> None:
    pace = Pace(lambda: 0.0)
    assert [pace.after(made) for made in range(1, 6)][-1] == ", 0 ms a step"
