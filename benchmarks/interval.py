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

RESAMPLES = 2000
BLOCKS = 20
"""A run is cut into at most so many stretches of neighbouring turns. Turns beside each other saw the same neighbours
on the machine; resampled one by one they would pass for more evidence than they are."""


PAIRS = 8
"""So many rounds of turns are enough to compare by rounds."""


class Interval(NamedTuple):
    """A value and the bounds it lies between with the stated confidence."""

    low: float
    value: float
    high: float


def quantile_interval(samples: Sequence[float], share: float, confidence: float = 0.95) -> Interval | None:
    """The quantile at `share`, 0..1, between two of the samples themselves, whatever their distribution.

    From order statistics: the number of samples below the true quantile is binomial (David and Nagaraja, Order
    Statistics, 2003, 7.1). None where there are too few samples for an upper bound, for p99 some 370 at 95 per cent.
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


def ratio_interval(first: Turns, second: Turns, confidence: float, seed: int = 0) -> Interval:
    """The median of `second` over that of `first`, by a bootstrap over stretches of turns; each needs one turn.

    Percentile bootstrap (Efron and Tibshirani, 1993, chapter 13), each side resampled for itself.
    """
    random = np.random.default_rng(seed)
    below, above = (_resampled(stretches(turns), random) for turns in (first, second))
    tail = (1 - confidence) / 2
    low, high = np.quantile(above / below, (tail, 1 - tail))
    value = median(second) / median(first)
    return Interval(min(float(low), value), value, max(float(high), value))


def paired_interval(first: Turns, second: Turns, confidence: float) -> Interval:
    """The ratio of `second` to `first`, from the ratios of turns that were taken side by side, in their order.

    What disturbs a round disturbs both of its turns; the ratios of two equal models are then as often above one as
    below, whatever the machine does. The Hodges-Lehmann estimate and its interval by signed ranks, normal approximation
    (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2014, 3.2 and 3.3). Needs PAIRS rounds.
    """
    rounds = min(len(first), len(second))
    if rounds < PAIRS:
        raise ValueError(f"{rounds} rounds of {PAIRS}")
    logs = [np.log([np.median(turn) for turn in turns[:rounds]]) for turns in (first, second)]
    apart = logs[1] - logs[0]
    one, other = np.triu_indices(rounds)
    means = np.sort((apart[one] + apart[other]) / 2)
    deviations = NormalDist().inv_cdf((1 + confidence) / 2)
    spread = math.sqrt(rounds * (rounds + 1) * (2 * rounds + 1) / 24)
    rank = max(1, math.floor(len(means) / 2 - deviations * spread))
    return Interval(*(math.exp(value) for value in (means[rank - 1], float(np.median(means)), means[-rank])))


def median(turns: Turns) -> float:
    """The median over stretches of the medians of their samples."""
    return float(np.median(stretches(turns)))


def stretches(turns: Turns) -> NDArray[np.float64]:
    """The median of each stretch of neighbouring turns, BLOCKS of them or one a turn."""
    parts = np.array_split(np.arange(len(turns)), min(BLOCKS, len(turns)))
    return np.array([np.median(np.concatenate([turns[index] for index in part])) for part in parts])


def _resampled(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    drawn = random.choice(values, size=(RESAMPLES, len(values)))
    return np.asarray(np.median(drawn, axis=1), np.float64)


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
