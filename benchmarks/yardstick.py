"""The yardstick: a fixed job timed between turns, which says how steady the machine itself was."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDE = 384
PRODUCTS = 4
"""Some milliseconds on a desktop core: long enough to be disturbed by what disturbs a network."""

REPEATS = 8
"""The middle one of so many is how fast the machine was just then; a single one is more chance than that."""


def yardstick_ms() -> float:
    """Multiply the same matrices as ever, on as many cores as NumPy takes, and give the median time of some runs."""
    return statistics.median(_once_ms() for _ in range(REPEATS))


def spread(samples_ms: Sequence[float]) -> float:
    """How far the machine wandered: the distance of the 10th and 90th percentile as a share of the median."""
    low, middle, high = np.percentile(list(samples_ms), (10, 50, 90))
    return float((high - low) / middle)


def _once_ms() -> float:
    matrix = _matrix()
    started = time.perf_counter_ns()
    product = matrix
    for _ in range(PRODUCTS):
        product = product @ matrix
    return (time.perf_counter_ns() - started) / 1e6


@cache
def _matrix() -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    return np.asarray(random.normal(0, SIDE**-0.5, (SIDE, SIDE)), np.float32)
