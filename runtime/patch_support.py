"""Which patches of both pictures bear an alignment out, how far apart they lie, and over how much of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.patch_votes import PatchVotes

NEAR_PX = 3.0
"""Patches agree with an alignment that are found so near where it puts them."""

_LEAST_SHARE = 0.5  # pictures of different scenes reach 0.46
_LEAST_SPREAD = 0.25


@dataclass(frozen=True)
class PatchSupport:
    """How far patches of both pictures lie from each other under an alignment.

    patches: that could be compared. agreeing: of these, that lie within NEAR_PX. residual_px: the median distance of
    those that agree, in visible pixels; infinite without any. spread: the area they cover against that of all patches,
    as the ratio of their standard ellipses; small where one corner speaks for the whole picture.
    """

    patches: int
    agreeing: int
    residual_px: float
    spread: float

    @property
    def share(self) -> float:
        """How many of the patches agree, 0..1."""
        return self.agreeing / max(1, self.patches)

    @property
    def weakness(self) -> str:
        """What forbids to trust the alignment, in words; empty where nothing does."""
        if self.share < _LEAST_SHARE:
            return f"{self.agreeing} of {self.patches} patches that agree, which may be chance"
        if self.spread < _LEAST_SPREAD:
            return f"patches that agree in {self.spread:.0%} of the picture only"
        return ""

    def __str__(self) -> str:
        return (
            f"{self.agreeing} of {self.patches} patches agree to {self.residual_px:.2f} px (median), "
            f"spread over {min(1.0, self.spread):.0%} of the picture"
        )


def support_by(votes: PatchVotes, scale: float) -> PatchSupport:
    """Count the patches whose best displacement is nearly none; `scale` is that of their picture to the visible one."""
    distances = np.hypot(*votes.peaks_px().T) / scale
    near = distances <= NEAR_PX
    residual_px = float(np.median(distances[near])) if near.any() else float("inf")
    spread = _ellipse(votes.centres[near]) / max(_ellipse(votes.centres), 1e-9)
    return PatchSupport(len(near), int(near.sum()), residual_px, spread)


def _ellipse(points: NDArray[np.float64]) -> float:
    """The area of the standard ellipse of (N, 2) points, but for a factor."""
    return float(np.sqrt(max(0.0, float(np.linalg.det(np.cov(points.T)))))) if len(points) > 2 else 0.0
