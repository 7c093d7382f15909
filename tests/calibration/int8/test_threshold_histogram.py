"""The growing histogram: what it counts, and that order does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coconet.calibration.int8.threshold import BINS, MagnitudeHistogram

RNG = np.random.default_rng(0)
FLOATS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30)


def histogram_of(*arrays: np.ndarray) -> MagnitudeHistogram:
    histogram = MagnitudeHistogram()
    for array in arrays:
        histogram.add(array)
    return histogram


@settings(max_examples=50)
@given(FLOATS, FLOATS)
def test_counts_do_not_depend_on_the_order_of_the_values(first: list[float], second: list[float]) -> None:
    one, two = np.array(first, np.float32), np.array(second, np.float32)
    forth, back, whole = histogram_of(one, two), histogram_of(two, one), histogram_of(np.concatenate([one, two]))
    for other in (back, whole):
        assert (forth.limit, forth.peak) == (other.limit, other.peak)
        np.testing.assert_array_equal(forth.counts, other.counts)


@settings(max_examples=50)
@given(FLOATS)
def test_every_value_but_zero_is_counted_in_the_bin_of_its_magnitude(values: list[float]) -> None:
    array = np.array(values, np.float32)
    histogram = histogram_of(array)
    assert histogram.total == np.count_nonzero(array)
    assert histogram.peak == np.abs(array).max()
    for value in np.abs(array[array != 0]).astype(np.float64):
        assert histogram.counts[int(value / histogram.limit * BINS)] > 0


def test_a_tensor_of_zeros_counts_nothing() -> None:
    histogram = histogram_of(np.zeros((2, 3)), np.zeros(0))
    assert (histogram.total, histogram.limit, histogram.peak) == (0, 0.0, 0.0)


def test_half_precision_values_are_counted_as_single_ones_are() -> None:
    values = RNG.normal(0, 3, 1000).astype(np.float16)
    np.testing.assert_array_equal(histogram_of(values).counts, histogram_of(values.astype(np.float32)).counts)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        histogram_of(np.array([1.0, value]))


def test_rebinning_keeps_the_total_and_follows_the_distribution() -> None:
    values = np.abs(RNG.normal(0, 1, 200_000))
    coarse = histogram_of(values).rebinned(64)
    wanted = np.histogram(values.astype(np.float32), 64, (0, values.max()))[0]
    assert coarse.sum() == pytest.approx(values.size)
    np.testing.assert_allclose(coarse, wanted, atol=0.002 * values.size)


def test_occupied_gives_the_middle_of_each_bin_that_holds_something() -> None:
    centres, counts = histogram_of(np.array([-1.0, 0.25, 1.0])).occupied()
    np.testing.assert_array_equal(counts, [1, 2])
    np.testing.assert_allclose(centres, [0.25, 1.0], atol=2.0 / BINS)
