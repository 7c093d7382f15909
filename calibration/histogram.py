"""A histogram of magnitudes that grows with what it sees and never keeps the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 16384
"""Enough that a range of a hundredth of the largest value still spans about a hundred bins."""

SMALLEST_LIMIT = 2.0**-100
"""Keeps the width of a bin a normal float32 number."""


class MagnitudeHistogram:
    """Counts of |x| in equal bins over 0 .. limit; zeros, which are exact at every scale, are not counted.

    The limit is the smallest power of two above the largest magnitude. It grows by merging neighbouring bins, so the
    counts do not depend on the order of the values.
    counts: (BINS,) int64. limit, peak: the upper end of the last bin and the largest magnitude; 0 before any value.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, np.int64)
        self.limit = 0.0
        self.peak = 0.0

    @property
    def total(self) -> int:
        """How many values are counted."""
        return int(self.counts.sum())

    def add(self, values: NDArray[Any]) -> None:
        """Count the values of a floating-point array of any shape. Raises ValueError where one is NaN or infinite."""
        magnitudes = np.abs(values, dtype=np.float32)[values != 0]
        if magnitudes.size == 0:
            return
        peak = float(magnitudes.max())  # NaN wins every comparison in numpy's max
        if not math.isfinite(peak):
            raise ValueError("NaN or infinite values")
        self._reach(peak)
        self.counts += np.histogram(magnitudes, BINS, (0.0, self.limit))[0]

    def rebinned(self, bins: int) -> NDArray[np.float64]:
        """The counts in so many equal bins over 0 .. peak, those of a bin that is cut shared by width."""
        edges = np.linspace(0.0, self.limit, BINS + 1)
        below = np.concatenate([[0], np.cumsum(self.counts)])
        # Nothing lies between the peak and the end of its bin, so what is below the peak is everything.
        inner = np.interp(np.linspace(0.0, self.peak, bins + 1)[:-1], edges, below)
        return np.diff(np.append(inner, below[-1]))

    def occupied(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The centres of the bins that hold values, and their counts."""
        where = np.flatnonzero(self.counts)
        return (where.astype(np.float64) + 0.5) * (self.limit / BINS), self.counts[where]

    def _reach(self, peak: float) -> None:
        self.peak = max(self.peak, peak)
        limit = max(math.ldexp(1.0, math.frexp(self.peak)[1]), SMALLEST_LIMIT)
        while 0.0 < self.limit < limit:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([merged, np.zeros(BINS // 2, np.int64)])
            self.limit *= 2
        self.limit = limit
