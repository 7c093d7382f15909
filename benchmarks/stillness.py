"""Stillness: which pixels of two neighbouring frames show nothing that happens, as both cameras see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="finding what stands still") from error

Plane = NDArray[np.float32]
"""(H, W), in levels of 0..255; a change is signed."""


@dataclass(frozen=True)
class Stillness:
    """A pixel is still where the change of every camera, smoothed by a Gaussian, stays below a threshold.

    The signed change is smoothed, so that sensor noise averages out and anything larger than a few pixels stays: noise
    of 3 levels a frame leaves 0.6 after 2 px. So it is not only the quiet pixels of a noisy camera that are counted.

    threshold_levels: in gray levels of 0..255. sigma_px: the Gaussian's deviation.
    """

    threshold_levels: float = 2.0
    sigma_px: float = 2.0

    def mask(self, *changes: Plane) -> NDArray[np.bool_]:
        """(H, W), True where still; `changes` are the cameras' differences of two frames, each (H, W), signed."""
        smoothed = [np.abs(cv2.GaussianBlur(change, (0, 0), self.sigma_px)) for change in changes]
        still: NDArray[np.bool_] = np.maximum.reduce(smoothed) < self.threshold_levels
        return still

    def __str__(self) -> str:
        return (
            f"change below {self.threshold_levels:g} levels in both cameras, "
            f"smoothed by a Gaussian of {self.sigma_px:g} px"
        )
