from __future__ import annotations

import pytest

from coconet.benchmarks.studies.processor.turns import Compared, Cost, command_cost, in_turns, timed
from coconet.errors import CoconetError


def test_ratios_are_of_neighbouring_turns_and_the_middle_one_counts() -> None:
    ones, others = iter([Cost(1, 2), Cost(6, 6), Cost(50, 9)]), iter([Cost(2, 2), Cost(3, 2), Cost(10, 1)])
    assert in_turns(lambda: next(ones), lambda: next(others), 3) == Compared(clock=2.0, processor=3.0)


def test_work_is_timed_by_both_clocks() -> None:
    found = timed(lambda: sum(range(100_000)))
    assert found.clock_s > 0
    assert found.processor_s > 0


def test_a_command_is_costed_and_its_first_byte_comes_before_its_end() -> None:
    found = command_cost("--version")
    assert 0 < found.first_s <= found.clock_s
    assert found.processor_s > 0


def test_a_command_that_fails_is_told_with_its_last_line() -> None:
    with pytest.raises(CoconetError, match="ended with exit code 2"):
        command_cost("run", "nowhere.mp4", "nothing.mp4")
