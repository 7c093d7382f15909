"""Intervals: how sure a percentile or a ratio of latencies is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Turns = Sequence[Sequence[float]]
"""Latencies of one model in ms, turn by turn, in the order they were measured."""


class Interval(NamedTuple):
    """A value and the bounds it lies between with the stated confidence."""

    low: float
    value: float
    high: float


def quantile_interval(samples: Sequence[float], share: float, confidence: float = 0.95) -> Interval | None:
    """The quantile at `share`, 0..1, between two of the samples themselves, whatever their distribution.

    From order statistics: the number of samples below the true quantile is binomial (David and Nagaraja, Order
    Statistics, 2003, 7.1). None if there are too few samples for an upper bound, for p99 some 370 at 95 per cent.
    """
    ordered, count = np.sort(np.asarray(samples, np.float64)), len(samples)
    if count == 0:
        return None
    below = np.cumsum(_binomial(count, share))
    tail = (1 - confidence) / 2
    low = int(np.searchsorted(below, tail, side="right"))  # P(fewer than `low` samples below) <= tail
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 1 or high > count:
        return None
    return Interval(float(ordered[low - 1]), float(np.quantile(ordered, share)), float(ordered[high - 1]))


def paired_shift(apart: NDArray[np.float64], confidence: float) -> Interval:
    """The middle of differences of pairs, by the Hodges-Lehmann estimate and its interval by signed ranks.

    Normal approximation (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2014, 3.2 and 3.3). Without
    bounds where so few differences cannot give the confidence.
    """
    count = len(apart)
    one, other = np.triu_indices(count)
    return _between((apart[one] + apart[other]) / 2, count * (count + 1) * (2 * count + 1) / 24, confidence)


def shift(first: NDArray[np.float64], second: NDArray[np.float64], confidence: float) -> Interval:
    """How far `second` lies above `first`, by the Hodges-Lehmann estimate and its interval by ranks of both together.

    Normal approximation (Hollander, Wolfe and Chicken, 2014, 4.2 and 4.3). Without bounds as `paired_shift` is.
    """
    many, more = len(first), len(second)
    return _between(np.subtract.outer(second, first).ravel(), many * more * (many + more + 1) / 12, confidence)


def midmean(values: NDArray[np.float64]) -> float:
    """The mean of the middle half: what comes in bursts is left out, and a change of half of them is half seen."""
    outside = len(values) // 4
    return float(np.sort(values)[outside : len(values) - outside].mean())


def _between(differences: NDArray[np.float64], variance: float, confidence: float) -> Interval:
    """The median of differences, between those at the ranks that a statistic of this variance leaves outside."""
    ordered, middle = np.sort(differences), float(np.median(differences))
    rank = math.floor(len(ordered) / 2 - NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance))
    if rank < 1:
        return Interval(-math.inf, middle, math.inf)
    return Interval(float(ordered[rank - 1]), middle, float(ordered[-rank]))


def _binomial(count: int, chance: float) -> NDArray[np.float64]:
    """The chances of 0 .. count successes, through logarithms because factorials of a thousand overflow."""
    total = math.lgamma(count + 1)
    logs = [
        total
        - math.lgamma(k + 1)
        - math.lgamma(count - k + 1)
        + k * math.log(chance)
        + (count - k) * math.log1p(-chance)
        for k in range(count + 1)
    ]
    return np.exp(logs)
