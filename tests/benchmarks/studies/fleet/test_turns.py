"""The interval of a median, held against tables of the sign test."""

from __future__ import annotations

import pytest

from coconet.benchmarks.studies.fleet.turns import in_words, interval


@pytest.mark.parametrize(
    ("count", "rank"), [(3, 1), (5, 1), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (20, 6), (25, 8)]
)
def test_the_interval_of_a_median_goes_by_the_ranks_of_the_sign_test(count: int, rank: int) -> None:
    assert interval([float(value) for value in range(count, 0, -1)]) == (rank, count + 1 - rank)


def test_a_ratio_is_told_with_its_interval() -> None:
    assert in_words([0.9, 0.95, 0.85]) == "0.90 (0.85-0.95)"
