"""Intervals against closed forms and on generated samples whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmarks.interval import (
    BLOCKS,
    PAIRS,
    median,
    paired_interval,
    quantile_interval,
    ratio_interval,
    stretches,
)


def test_the_interval_of_a_median_is_bounded_by_the_samples_of_the_sign_test() -> None:
    # For 10 samples P(at most 1 below the median) = 11/1024, so the 2nd and the 9th bound it at 95 %.
    found = quantile_interval([float(value) for value in range(1, 11)], 0.5)
    assert found is not None
    assert (found.low, found.value, found.high) == (2.0, 5.5, 9.0)


@pytest.mark.parametrize("count", [0, 1, 5, 300])
def test_a_p99_has_no_bound_where_there_are_too_few_samples(count: int) -> None:
    assert quantile_interval([1.0] * count, 0.99) is None


def test_the_interval_of_a_p99_holds_the_true_one_about_as_often_as_it_says() -> None:
    random, truth = np.random.default_rng(5), float(-np.log(0.01))
    found = [quantile_interval(random.exponential(size=600).tolist(), 0.99) for _ in range(200)]
    held = [one is not None and one.low <= truth <= one.high for one in found]
    assert np.mean(held) >= 0.92


def test_a_long_run_is_cut_into_stretches_and_a_short_one_into_its_turns() -> None:
    assert stretches([[1.0], [3.0], [5.0]]).tolist() == [1.0, 3.0, 5.0]
    assert len(stretches([[float(turn)] * 4 for turn in range(100)])) == BLOCKS


def test_one_outlier_moves_no_median() -> None:
    turns = [[10.0, 10.0, 10.0]] * 5
    assert median([*turns, [10.0, 10.0, 9000.0]]) == 10.0


def test_the_ratio_of_a_run_and_its_double_is_two_without_doubt() -> None:
    turns = [[1.0, 2.0, 3.0]] * 4
    doubled = [[2 * sample for sample in turn] for turn in turns]
    assert ratio_interval(turns, doubled, 0.99) == (2.0, 2.0, 2.0)


def test_the_paired_interval_is_that_of_the_signed_ranks() -> None:
    apart = np.random.default_rng(4).normal(0.05, 0.2, 25)
    found = paired_interval([[1.0]] * 25, np.exp(apart)[:, None].tolist(), 0.95)
    # Moved by either bound the ranks are just no longer unlikely to be of equals.
    inside = [
        wilcoxon(apart - np.log(bound), method="approx").pvalue for bound in (found.low + 1e-6, found.high - 1e-6)
    ]
    outside = [
        wilcoxon(apart - np.log(bound), method="approx").pvalue for bound in (found.low * 0.97, found.high * 1.03)
    ]
    assert min(inside) > 0.045
    assert max(outside) < 0.05
    with pytest.raises(ValueError, match="7 rounds of 8"):
        paired_interval([[1.0]] * (PAIRS - 1), [[1.0]] * PAIRS, 0.95)
