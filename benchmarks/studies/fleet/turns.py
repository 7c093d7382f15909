"""Ratios that were measured turn by turn: their median and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of the median at 95 %, by the order of the values; the whole range of fewer than six.

    Source: the sign test; how many values lie below the median is binomial with a half.
    """
    ordered, below, cut = sorted(values), 0.0, 0
    for number in range(len(ordered) // 2):
        below += comb(len(ordered), number) / 2 ** len(ordered)
        if below > 0.025:
            break
        cut = number
    return ordered[cut], ordered[-1 - cut]


def in_words(values: Sequence[float]) -> str:
    """The median and its interval, as `0.91 (0.90-0.93)`."""
    low, high = interval(values)
    return f"{median(values):.2f} ({low:.2f}-{high:.2f})"
