"""Bounds: how far a fused picture leaves its sources, as shares of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="low-passing pictures", extra="headless") from error


Luma = NDArray[np.uint8]
"""(H, W)."""

GRACE = 8.0
"""Levels that the low-passed picture may lie outside its sources by."""

SIGMA_PX = 8.0
"""Deviation of the Gaussian that low-passes them."""


def outside(fused: Luma, visible: Luma, infrared: Luma) -> float:
    """Share of the pixels, 0..1, whose low-passed level is beyond both sources by more than GRACE."""
    smooth, *bands = (cv2.GaussianBlur(one.astype(np.float32), (0, 0), SIGMA_PX) for one in (fused, visible, infrared))
    lowest, highest = np.minimum(*bands) - GRACE, np.maximum(*bands) + GRACE
    return float(np.mean((smooth < lowest) | (smooth > highest)))


def newly_clipped(fused: Luma, visible: Luma, infrared: Luma) -> float:
    """Share of the pixels, 0..1, that are black or white where neither source is."""
    black = (fused == 0) & (visible > 0) & (infrared > 0)
    white = (fused == 255) & (visible < 255) & (infrared < 255)
    return float(np.mean(black | white))
