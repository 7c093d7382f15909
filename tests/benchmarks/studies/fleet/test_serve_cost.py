"""How measurements of serving are summed up, held against tables of the sign test."""

from __future__ import annotations

import pytest

from coconet.benchmarks.studies.fleet.serve_cost import Turn, interval


@pytest.mark.parametrize(
    ("count", "rank"), [(3, 1), (5, 1), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (20, 6), (25, 8)]
)
def test_the_interval_of_a_median_goes_by_the_ranks_of_the_sign_test(count: int, rank: int) -> None:
    assert interval([float(value) for value in range(count, 0, -1)]) == (rank, count + 1 - rank)


def test_a_pair_that_costs_more_when_it_is_served_has_a_ratio_below_one() -> None:
    turn = Turn(served_ms=30, bare_ms=27, served_fps=20, bare_fps=25, slow_ms=90)
    assert turn.ratio == pytest.approx(0.9)
    assert turn.clock_ratio == pytest.approx(0.8)
