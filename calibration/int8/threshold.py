"""Thresholds: histograms of magnitudes, and the one magnitude that INT8's 127 stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError

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
        """Count the values of a floating-point array of any shape. Raises ValueError if one is NaN or infinite."""
        magnitudes = np.abs(values, dtype=np.float32)[values != 0]
        if magnitudes.size == 0:
            return
        peak = float(magnitudes.max())  # NaN wins every comparison in numpy's max
        if not math.isfinite(peak):
            raise ValueError("NaN or infinite values")
        self._reach(peak)
        self.counts += np.histogram(magnitudes, BINS, (0.0, self.limit))[0]

    def rebinned(self, bins: int) -> NDArray[np.float64]:
        """The counts in `bins` equal bins over 0 .. peak, those of a bin that is cut shared by width."""
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


MethodName = Literal["percentile", "mse", "entropy", "max"]

LEVELS = 127
"""Symmetric INT8 has this many steps from zero to the threshold."""

ENTROPY_BINS = 2048

CANDIDATES = 512


@dataclass(frozen=True)
class RangeMethod:
    """How a threshold is chosen.

    percentile: this percentage of the values other than zero lies below. mse: least mean squared rounding and
    clipping error. entropy: least Kullback-Leibler divergence. max: the largest magnitude seen.
    """

    name: MethodName = "mse"
    percentile: float = 99.99

    def __post_init__(self) -> None:
        if self.name not in get_args(MethodName):
            raise _bad_method("method", " or ".join(get_args(MethodName)), repr(self.name))
        if not 50 <= self.percentile <= 100:
            raise _bad_method("percentile", "50 to 100", f"{self.percentile:g}")

    def __str__(self) -> str:
        return f"percentile {self.percentile:g}" if self.name == "percentile" else self.name


def threshold_of(histogram: MagnitudeHistogram, method: RangeMethod) -> float:
    """The magnitude that becomes 127; 0 for a tensor that never held anything but zeros."""
    if histogram.total == 0:
        return 0.0
    if method.name == "percentile":
        return percentile_threshold(histogram, method.percentile)
    if method.name == "mse":
        return mse_threshold(histogram)
    return entropy_threshold(histogram) if method.name == "entropy" else histogram.peak


def percentile_threshold(histogram: MagnitudeHistogram, percentile: float) -> float:
    """The magnitude that `percentile` percent of the values do not exceed, read linearly inside its bin."""
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    edges = np.linspace(0.0, histogram.limit, below.size)
    wanted = percentile / 100 * histogram.total
    first = int(np.searchsorted(below, wanted))  # the first edge with at least that many below it
    share = (wanted - below[first - 1]) / (below[first] - below[first - 1])
    return min(float(edges[first - 1] + share * (edges[first] - edges[first - 1])), histogram.peak)


def mse_threshold(histogram: MagnitudeHistogram) -> float:
    """The threshold, out of a geometric row of candidates, with the least mean squared error after rounding."""
    values, counts = histogram.occupied()
    candidates = histogram.peak * np.geomspace(1e-3, 1.0, CANDIDATES)
    errors = [np.dot(counts, np.square(values - _rounded(values, candidate))) for candidate in candidates]
    return float(candidates[int(np.argmin(errors))])


def entropy_threshold(histogram: MagnitudeHistogram) -> float:
    """The threshold with the least divergence between the clipped histogram and its quantised form.

    The method is Migacz's, "8-bit Inference with TensorRT" (GTC 2017), with the usual 2048 bins.
    """
    counts = histogram.rebinned(ENTROPY_BINS)
    kept = np.arange(LEVELS + 1, ENTROPY_BINS + 1)
    best = int(np.argmin([divergence(counts, int(bins), LEVELS + 1) for bins in kept]))
    return float(histogram.peak * kept[best] / ENTROPY_BINS)


def divergence(counts: NDArray[np.float64], kept: int, levels: int) -> float:
    """KL(P || Q) in nats, infinite where Q lacks a value that P has.

    P: the first `kept` bins, with everything beyond them in the last one. Q: the same bins shared out over `levels`
    groups, each group's count spread evenly over those of its bins that hold any.
    """
    inside = counts[:kept]
    reference = inside.copy()
    reference[-1] += counts[kept:].sum()
    starts = np.arange(levels) * kept // levels
    sums = np.add.reduceat(inside, starts)
    filled = np.add.reduceat((inside > 0).astype(np.float64), starts)
    means = sums / np.maximum(filled, 1)
    spread = np.where(inside > 0, np.repeat(means, np.diff(np.append(starts, kept))), 0.0)
    return _kl(reference, spread)


def _kl(reference: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    held = reference > 0
    if not other[held].all():
        return float("inf")
    p, q = reference[held] / reference.sum(), other[held] / other.sum()
    return float(np.dot(p, np.log(p / q)))


def _rounded(values: NDArray[np.float64], threshold: float) -> NDArray[Any]:
    step = threshold / LEVELS
    return np.minimum(np.rint(values / step), LEVELS) * step


def _bad_method(option: str, wanted: str, got: str) -> CoconetError:
    return CoconetError(
        option,
        wanted=wanted,
        got=got,
        remedy="Change the option; the default suits most networks.",
        says=f"must be {wanted}, not {got}",
    )
