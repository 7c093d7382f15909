"""A heat map: the temperature of every pixel of an infrared picture, and which pixels give no number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class HeatMap:
    """Temperatures in the infrared camera's own pixels.

    celsius: (H, W) float32; NaN if there is no number. over, under: (H, W), pixels that are hotter or colder than
    the camera can tell; None if there are none. hottest_c, coldest_c: the limits of what it can tell, None if unknown.
    holes: whether any pixel gives no number.
    """

    celsius: NDArray[np.float32]
    over: Mask | None = None
    under: Mask | None = None
    hottest_c: float | None = None
    coldest_c: float | None = None
    holes: bool = False

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.celsius.shape[1], self.celsius.shape[0]
