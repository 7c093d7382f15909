"""The fusion metrics of the field, in one stated variant each.

Every function takes (H, W) gray pictures, uint8 or float on 0..255. Floats are first rounded and clipped to 8 bit, as
saving them would do, because the field scores saved pictures; all arithmetic after that is float64. Higher is better.

Every input of allowed size has a defined, warning-free value. The rules for degenerate ones: a ratio whose denominator
is zero has lost nothing and is 1.0 (`vifp` of a constant source, `qabf` of two black ones); a correlation with a
constant is 0.0 (`scd`); the PSNR of equal pictures is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.metrics.gray import Gray, Samples, as_levels, as_samples
from coconet.metrics.qabf import qabf
from coconet.metrics.scores import VARIANT, Scores
from coconet.metrics.ssim import structural_similarity
from coconet.metrics.vif import vifp

__all__ = [
    "METRICS",
    "VARIANT",
    "VERIFIED",
    "Metric",
    "Scores",
    "average_gradient",
    "entropy",
    "joint_entropy",
    "mutual_information",
    "psnr",
    "qabf",
    "scd",
    "score",
    "spatial_frequency",
    "ssim",
    "standard_deviation",
    "structural_similarity",
    "vif",
    "vifp",
]


def score(fused: Gray, infrared: Gray, visible: Gray) -> Scores:
    """All metrics of one fused picture; three (H, W) pictures of equal size, sides of 41 pixels or more."""
    return Scores(**{metric.name: metric.of(fused, infrared, visible) for metric in METRICS})


def entropy(picture: Gray) -> float:
    """EN: Shannon entropy of the 256 levels, in bits, 0..8; empty levels are skipped."""
    (levels,) = as_levels(picture)
    return _bits(np.bincount(levels.ravel()))


def joint_entropy(first: Gray, second: Gray) -> float:
    """Shannon entropy of the 256 x 256 pairs of levels that lie at the same place, in bits, 0..16."""
    a, b = as_levels(first, second)
    return _bits(np.bincount(a.ravel() * np.intp(256) + b.ravel()))


def average_gradient(picture: Gray) -> float:
    """AG: sum of sqrt((gx^2 + gy^2) / 2), over (H - 1)(W - 1); levels per pixel.

    gx and gy are central differences, one-sided at the border. Some ports divide by H W instead.
    """
    (samples,) = as_samples(picture, least_px=2)
    down, across = np.gradient(samples)
    height, width = samples.shape
    return float(np.sqrt((across**2 + down**2) / 2).sum() / ((height - 1) * (width - 1)))


def spatial_frequency(picture: Gray) -> float:
    """SF: root of the mean squared difference of neighbours in rows plus that in columns; levels."""
    (samples,) = as_samples(picture, least_px=2)
    return math.sqrt(sum(float((np.diff(samples, axis=axis) ** 2).mean()) for axis in (0, 1)))


def standard_deviation(picture: Gray) -> float:
    """SD: population standard deviation (divided by H W); levels."""
    (samples,) = as_samples(picture)
    return float(samples.std())


def scd(fused: Gray, infrared: Gray, visible: Gray) -> float:
    """SCD: sum of the correlations of differences, r(F - B, A) + r(F - A, B), signed; -2..2.

    Source: Aslantas and Bendes, A new image quality metric for image fusion, AEU 69 (2015).
    """
    f, a, b = as_samples(fused, infrared, visible)
    return _correlation(f - b, a) + _correlation(f - a, b)


def vif(fused: Gray, infrared: Gray, visible: Gray) -> float:
    """VIF: `vifp` against the infrared plus that against the visible picture; 2 if all three are equal."""
    return vifp(infrared, fused) + vifp(visible, fused)


def mutual_information(fused: Gray, infrared: Gray, visible: Gray) -> float:
    """MI: I(A; F) + I(B; F) from joint histograms of 256 x 256 levels, in bits; 0..16."""
    shared = (entropy(source) + entropy(fused) - joint_entropy(source, fused) for source in (infrared, visible))
    return sum(max(bits, 0.0) for bits in shared)  # rounding can leave -1e-16 where nothing is shared


def ssim(fused: Gray, infrared: Gray, visible: Gray) -> float:
    """SSIM: `structural_similarity` with the infrared plus that with the visible picture; -2..2."""
    return structural_similarity(fused, infrared) + structural_similarity(fused, visible)


def psnr(first: Gray, second: Gray) -> float:
    """Peak signal-to-noise ratio in dB against a peak of 255; infinite for equal pictures."""
    a, b = as_samples(first, second)
    error = float(((a - b) ** 2).mean())
    return 10 * math.log10(255**2 / error) if error > 0 else math.inf


def _bits(counts: NDArray[np.intp]) -> float:
    chances = counts[counts > 0] / counts.sum()
    return float((chances * np.log2(1 / chances)).sum())


def _correlation(first: Samples, second: Samples) -> float:
    """Pearson's r of two whole pictures; 0 where either is constant."""
    if min(np.ptp(first), np.ptp(second)) == 0:
        return 0.0
    a, b = first - first.mean(), second - second.mean()
    return float((a * b).sum() / math.sqrt(float((a * a).sum() * (b * b).sum())))


@dataclass(frozen=True)
class Metric:
    """One metric of a fused picture, and which lists it stands in.

    of: its value for (H, W) fused, infrared and visible pictures. form: how reports write the value.
    higher_is_better: whether more of it ranks before less.
    compares: it compares with both sources; the others look at the fused picture alone and grow with noise as well.
    ranked: it counts in the mean rank of `coconet score`.
    verified: `coconet verify` holds its change against a limit, and benchmarks report it.
    """

    name: str
    of: Callable[[Gray, Gray, Gray], float]
    form: str = ".3f"
    higher_is_better: bool = True
    compares: bool = True
    ranked: bool = True
    verified: bool = False

    def merit(self, value: float) -> float:
        """The value with the sign that makes more the better."""
        return value if self.higher_is_better else -value


def _of_fused(name: str, of: Callable[[Gray], float]) -> Metric:
    return Metric(name, lambda fused, infrared, visible: of(fused), ".3g", compares=False, verified=True)


METRICS = (
    _of_fused("EN", entropy),
    _of_fused("AG", average_gradient),
    _of_fused("SF", spatial_frequency),
    _of_fused("SD", standard_deviation),
    Metric("SCD", scd, verified=True),
    Metric("VIF", vif, verified=True),
    Metric("MI", mutual_information, ranked=False),  # it rewards copying one source more than any of the others
    Metric("Qabf", qabf),
    Metric("SSIM", ssim),
)
"""Every metric, in the order of tables and files, which is that of the fields of Scores."""

VERIFIED = tuple(metric for metric in METRICS if metric.verified)
"""The metrics of `coconet verify`, `coconet precision` and `coconet bench`, in their order."""
