"""The four methods against brute force, closed forms and the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coconet.calibration.int8.threshold import BINS, MagnitudeHistogram, RangeMethod, divergence, threshold_of
from coconet.errors import CoconetError

RNG = np.random.default_rng(0)


def histogram_of(values: np.ndarray) -> MagnitudeHistogram:
    histogram = MagnitudeHistogram()
    histogram.add(values)
    return histogram


def squared_error(values: np.ndarray, threshold: float) -> float:
    step = threshold / 127
    return float(np.square(values - np.clip(np.round(values / step), -127, 127) * step).mean())


@pytest.mark.parametrize("percentile", [50.0, 99.0, 99.9, 99.99, 100.0])
def test_percentile_is_numpys_over_the_values_other_than_zero(percentile: float) -> None:
    values = RNG.laplace(0, 1, 100_000)
    histogram = histogram_of(np.concatenate([values, np.zeros(300_000)]))
    wanted = np.percentile(np.abs(values), percentile, method="inverted_cdf")
    assert threshold_of(histogram, RangeMethod("percentile", percentile)) == pytest.approx(
        wanted, abs=histogram.limit / BINS
    )


def test_max_is_the_largest_magnitude() -> None:
    assert threshold_of(histogram_of(np.array([0.5, -3.25, 1.0])), RangeMethod("max")) == 3.25


@pytest.mark.parametrize("draw", [RNG.normal, RNG.laplace])
def test_mse_finds_the_best_threshold_of_a_brute_search_over_the_values(draw: object) -> None:
    values = draw(0, 1, 20_000)  # type: ignore[operator]
    found = threshold_of(histogram_of(values), RangeMethod("mse"))
    best = min(squared_error(values, threshold) for threshold in np.linspace(0.5, np.abs(values).max(), 400))
    assert squared_error(values, found) <= best * 1.01


def test_mse_does_not_clip_a_uniform_tensor() -> None:
    values = np.linspace(-2, 2, 100_001)
    assert threshold_of(histogram_of(values), RangeMethod("mse")) == pytest.approx(2, rel=0.01)


def test_mse_balances_a_lone_outlier_against_the_rounding_of_the_rest() -> None:
    count, outlier = 100_000, 40.0
    # Error of threshold t: (outlier - t)^2 for the one, (t / 127)^2 / 12 for each other; its derivative is 0 here.
    wanted = outlier / (1 + count / (12 * 127**2))
    values = np.append(RNG.normal(0, 1, count), outlier)
    assert threshold_of(histogram_of(values), RangeMethod("mse")) == pytest.approx(wanted, rel=0.03)


def test_entropy_clips_a_lone_outlier() -> None:
    values = np.append(RNG.normal(0, 1, 100_000), 40.0)
    assert 2.5 < threshold_of(histogram_of(values), RangeMethod("entropy")) < 10


def test_entropy_keeps_a_tensor_whose_values_fill_its_range_evenly() -> None:
    values = np.linspace(-2, 2, 400_001)
    assert threshold_of(histogram_of(values), RangeMethod("entropy")) == pytest.approx(2, rel=0.01)


def naive_divergence(counts: list[float], kept: int, levels: int) -> float:
    """KL after the definition: clip, share out over the levels, spread over the bins that hold something."""
    reference = counts[:kept]
    reference[-1] += sum(counts[kept:])
    spread = [0.0] * kept
    for level in range(levels):
        group = [index for index in range(kept) if level * kept // levels <= index < (level + 1) * kept // levels]
        filled = [index for index in group if counts[index] > 0]
        for index in filled:
            spread[index] = sum(counts[member] for member in group) / len(filled)
    p, q = [[value / sum(side) for value in side] for side in (reference, spread)]
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return math.inf
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


@pytest.mark.parametrize("kept", [8, 9, 13, 39, 40])
def test_divergence_is_that_of_the_definition(kept: int) -> None:
    counts = RNG.poisson(2, 40).astype(float)
    counts[[8, 12]] = 0, 5
    assert divergence(counts, kept, 8) == pytest.approx(naive_divergence(list(counts), kept, 8))


def test_divergence_is_infinite_where_clipped_values_fall_into_an_empty_bin() -> None:
    assert divergence(np.array([1.0, 1.0, 0.0, 1.0]), 3, 2) == math.inf


@pytest.mark.parametrize("name", ["percentile", "mse", "entropy", "max"])
def test_a_tensor_of_zeros_has_threshold_zero(name: str) -> None:
    assert threshold_of(histogram_of(np.zeros(10)), RangeMethod(name)) == 0.0  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["percentile", "mse", "entropy", "max"])
def test_a_tensor_of_one_magnitude_keeps_it(name: str) -> None:
    found = threshold_of(histogram_of(np.array([-0.7, 0.7])), RangeMethod(name))  # type: ignore[arg-type]
    assert found == pytest.approx(0.7, rel=0.01)


def test_the_method_names_itself_as_the_model_card_keeps_it() -> None:
    assert [str(RangeMethod()), str(RangeMethod("percentile"))] == ["mse", "percentile 99.99"]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(CoconetError, match="method must be percentile or mse or entropy or max, not 'median'"):
        RangeMethod("median")  # type: ignore[arg-type]


@pytest.mark.parametrize("percentile", [-1.0, 10.0, 100.5, math.nan])
def test_a_percentile_outside_50_to_100_is_refused(percentile: float) -> None:
    with pytest.raises(CoconetError, match="percentile must be 50 to 100"):
        RangeMethod("percentile", percentile)
