"""Intervals against closed forms and on generated samples whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, wilcoxon

from coconet.benchmarks.results.intervals import midmean, paired_shift, quantile_interval, shift


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


def test_the_shift_of_pairs_is_that_of_the_signed_ranks() -> None:
    apart = np.random.default_rng(4).normal(0.05, 0.2, 25)
    found = paired_shift(apart, 0.95)
    # Moved by either bound the ranks are just no longer unlikely to be of equals.
    inside, outside = (
        [wilcoxon(apart - bound, method="approx").pvalue for bound in (found.low + step, found.high - step)]
        for step in (1e-6, -0.03)
    )
    assert min(inside) > 0.045
    assert max(outside) < 0.05


def test_the_shift_of_two_sides_is_that_of_the_ranks_of_both() -> None:
    random = np.random.default_rng(6)
    first, second = random.normal(0, 0.2, 12), random.normal(0.3, 0.2, 15)
    found = shift(first, second, 0.95)
    inside, outside = (
        [
            mannwhitneyu(first, second - bound, method="asymptotic").pvalue
            for bound in (found.low + step, found.high - step)
        ]
        for step in (1e-6, -0.03)
    )
    assert min(inside) > 0.045
    assert max(outside) < 0.05


def test_a_shift_has_no_bounds_where_there_is_too_little_for_the_confidence() -> None:
    assert paired_shift(np.ones(3), 0.98) == (-math.inf, 1, math.inf)
    assert shift(np.zeros(4), np.ones(4), 0.98) == (-math.inf, 1, math.inf)
    assert shift(np.zeros(6), np.ones(6), 0.98) == (1, 1, 1)


def test_what_lies_outside_the_middle_half_moves_no_midmean() -> None:
    assert midmean(np.array([9000.0, 11, 10, 12, -50])) == 11
    assert midmean(np.array([1.0, 2.0])) == 1.5
