"""Metric deltas: what a candidate gains or loses in the six fusion metrics against its reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coconet.gray import Gray
from coconet.metrics import average_gradient, entropy, scd, spatial_frequency, standard_deviation, vif
from runtime.frame import FramePair, Pixels
from runtime.luma import luma

METRICS: Mapping[str, Callable[[Gray, Gray, Gray], float]] = {
    "EN": lambda fused, infrared, visible: entropy(fused),
    "AG": lambda fused, infrared, visible: average_gradient(fused),
    "SF": lambda fused, infrared, visible: spatial_frequency(fused),
    "SD": lambda fused, infrared, visible: standard_deviation(fused),
    "SCD": scd,
    "VIF": vif,
}
"""Each of fused, infrared and visible, (H, W) on 0..255, in the variant of coconet/metrics.py."""

LEAST_REFERENCE = 0.1
"""A change is relative to at least this, in the metric's unit: SCD may be 0, and any change of that infinite."""


@dataclass(frozen=True)
class MetricDelta:
    """One metric, as its mean over all frames."""

    metric: str
    reference: float
    candidate: float

    @property
    def delta(self) -> float:
        """Candidate minus reference, in the metric's unit."""
        return self.candidate - self.reference

    @property
    def relative(self) -> float:
        """The delta as a share of the reference; 0.01 is one percent more."""
        return self.delta / max(abs(self.reference), LEAST_REFERENCE)


def metric_values(fused: Pixels, pair: FramePair) -> tuple[float, ...]:
    """The METRICS of a fused picture, in their order, on luma. Raises CoconetError for sides under 41 pixels."""
    pictures = [luma(pixels) for pixels in (fused, pair.infrared.pixels, pair.visible.pixels)]
    return tuple(metric(*pictures) for metric in METRICS.values())


def metric_deltas(
    reference: Sequence[tuple[float, ...]], candidate: Sequence[tuple[float, ...]]
) -> tuple[MetricDelta, ...]:
    """The means over all frames, of values as `metric_values` gives them, one entry a frame."""
    means = [np.mean(values, axis=0).tolist() for values in (reference, candidate)]
    return tuple(MetricDelta(*parts) for parts in zip(METRICS, *means, strict=True))
