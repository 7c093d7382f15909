"""Placing: where points of the infrared picture are in the visible one, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import Pixels
from coconet.runtime.preprocess.fit import Fitted
from coconet.runtime.preprocess.warp import Alignment, infrared_points, visible_points

Points = NDArray[np.float64]
"""(N, 2): right and down from the middle of the top left pixel."""


@dataclass(frozen=True)
class Placing:
    """How an infrared picture of a size lies on a visible one: by an alignment, a fit, or pixel on pixel."""

    by_alignment: Alignment | None = None
    by_fit: Fitted | None = None
    infrared_px: tuple[int, int] = (0, 0)

    def in_visible(self, points: Sequence[tuple[float, float]]) -> Points:
        """Where infrared points are shown; NaN for those that no lens shows."""
        given = np.array(points, np.float64).reshape(-1, 2)
        if self.by_alignment is not None:
            return visible_points(self.by_alignment, given)
        if self.by_fit is not None:
            given = (given + 0.5) * self._scale(self.by_fit) - 0.5 + np.array(self.by_fit.corner_px, np.float64)
        return given

    def in_infrared(self, points: Sequence[tuple[float, float]]) -> Points:
        """Which infrared points are shown at visible ones; NaN for those beyond every lens."""
        given = np.array(points, np.float64).reshape(-1, 2)
        if self.by_alignment is not None:
            return infrared_points(self.by_alignment, given)
        if self.by_fit is not None:
            given = (given - np.array(self.by_fit.corner_px, np.float64) + 0.5) / self._scale(self.by_fit) - 0.5
        return given

    def lay(self, pixels: Pixels, visible_px: tuple[int, int]) -> Pixels:
        """Lay (H, W, 1) uint8 infrared pixels onto a visible picture of (width, height); uncovered ones are 0."""
        if self.by_alignment is not None:
            return self.by_alignment.warp(pixels, visible_px)
        return pixels if self.by_fit is None else self.by_fit.lay(pixels, visible_px)

    def _scale(self, fit: Fitted) -> Points:
        return np.array(fit.size_px, np.float64) / np.array(self.infrared_px, np.float64)
