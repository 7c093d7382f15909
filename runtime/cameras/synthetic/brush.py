"""Drawing for the synthetic rig: shapes that have a colour for the visible camera and a heat for the thermal one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="the synthetic rig", extra="headless") from error


__all__ = ["Brush", "Paint", "Picture", "Point", "cv2", "fractal"]

Point = tuple[float, float]

Picture = NDArray[Any]
"""uint8: (H, W, 3) BGR, or (H, W)."""

_SHIFT = 4  # OpenCV draws on a grid of 1/16 pixel, so that slow things do not jump


@dataclass(frozen=True)
class Paint:
    """What a surface shows: bgr to the visible camera in full light, heat to the thermal one; both 0..255."""

    bgr: tuple[float, float, float]
    heat: float

    def lit(self, light: float) -> Paint:
        """Return the same surface in `light`, 1.0 for full daylight; its heat stays."""
        blue, green, red = self.bgr
        return Paint((blue * light, green * light, red * light), self.heat)


class Brush:
    """Draws on one picture, in units of its height: (0, 0) is its upper left corner, y = 1 its lower edge."""

    def __init__(self, picture: Picture) -> None:
        """Draw on (H, W, 3) with colours, on (H, W) with heats."""
        self.picture = picture
        self._scale = picture.shape[0] * (1 << _SHIFT)

    def polygon(self, points: Sequence[Point] | NDArray[Any], paint: Paint) -> None:
        """Fill an outline."""
        corners = np.rint(np.asarray(points) * self._scale).astype(np.int32)
        cv2.fillPoly(self.picture, [corners], self._value(paint), cv2.LINE_AA, _SHIFT)

    def box(self, left: float, top: float, right: float, bottom: float, paint: Paint) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], paint)

    def disc(self, centre: Point, radius: float, paint: Paint, flatness: float = 1.0) -> None:
        """Fill an ellipse; `flatness` is its height over its width."""
        angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
        outline = np.stack([np.cos(angles), flatness * np.sin(angles)], 1) * radius
        self.polygon(outline + np.asarray(centre), paint)

    def limb(self, start: Point, end: Point, width: float, end_width: float, paint: Paint) -> None:
        """Fill a tapering bar with round ends."""
        along = math.atan2(end[1] - start[1], end[0] - start[0])
        angles = np.linspace(-math.pi / 2, math.pi / 2, 7) + along
        cap = np.stack([np.cos(angles), np.sin(angles)], 1)
        outline = np.concatenate([np.asarray(end) + cap * end_width / 2, np.asarray(start) - cap * width / 2])
        self.polygon(outline, paint)

    def _value(self, paint: Paint) -> tuple[float, ...]:
        return paint.bgr if self.picture.ndim == 3 else (paint.heat,)


def fractal(height: int, width: int, cell_px: float, rng: np.random.Generator, stretch: float = 1.0) -> NDArray[Any]:
    """Cloudy noise, (H, W) float32 of mean 0 and deviation 1; `stretch` widens its clouds sideways."""
    total: NDArray[Any] = np.zeros((height, width), np.float32)
    weight = 1.0
    while cell_px >= 2:
        rows, columns = max(2, int(height / cell_px)), max(2, int(width / (cell_px * stretch)))
        grid = rng.standard_normal((rows, columns), np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cell_px, weight = cell_px / 2, weight * 0.6
    total -= total.mean()
    total /= total.std()
    return total
