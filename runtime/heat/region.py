"""The pixels of the infrared picture that a meter looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.runtime.heat.heat_map import Mask
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.placing import Placing


@dataclass(frozen=True)
class Region:
    """Pixels of a picture: those of a box, fewer by a mask if there is one, or those along a path.

    left, top: of the box. mask: (h, w) of it, None for all. path: rows and columns, one after the other, of a line.
    """

    left: int
    top: int
    width: int
    height: int
    mask: Mask | None = None
    path: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    def cut(self, picture: NDArray[np.generic]) -> NDArray[np.generic]:
        """Take the pixels out of an (H, W) picture: (N,) along a line, else (h, w) of the box."""
        if self.path is not None:
            return picture[self.path]
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]

    def place(self, index: int) -> tuple[int, int]:
        """The pixel, (x, y), of the picture that a flat index of what was cut stands for."""
        if self.path is not None:
            return int(self.path[1][index]), int(self.path[0][index])
        row, column = divmod(index, self.width)
        return self.left + column, self.top + row


UNLAID, OUTSIDE = "the infrared picture does not lie on the visible one", "outside of the infrared picture"
"""Why a meter has no pixels."""


def region_of(meter: MeterTable, size_px: tuple[int, int], placing: Placing | None) -> Region | str:
    """The pixels of a meter in a picture of (width, height); in words, why there are none.

    placing: how the picture lies on the visible one, for meters that are given in pixels of that.
    """
    width, height = size_px
    if not meter.points_px:
        return Region(0, 0, width, height)
    corners = meter.points_px
    if len(corners) == 2 and meter.kind != "line":
        (left, top), (right, bottom) = corners
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    if meter.pixels == "visible":
        if placing is None:
            return UNLAID
        found = placing.in_infrared(corners)
    else:
        found = np.array(corners, np.float64)
    if not np.isfinite(found).all() or (found < -0.5).any() or (found >= np.array(size_px) - 0.5).any():
        return f"{OUTSIDE} of {width}x{height}"
    return _region(meter, np.rint(found).astype(np.intp))


def _region(meter: MeterTable, points: NDArray[np.intp]) -> Region:
    if meter.kind == "line":
        (x, y), (end_x, end_y) = points.tolist()
        count = max(abs(end_x - x), abs(end_y - y)) + 1
        columns, rows = (np.rint(np.linspace(*ends, count)).astype(np.intp) for ends in ((x, end_x), (y, end_y)))
        return Region(0, 0, count, 1, path=(rows, columns))
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    width, height = right - left + 1, bottom - top + 1
    if len(points) == 1 or (len(meter.points_px) == 2 and meter.pixels == "infrared"):
        return Region(left, top, width, height)
    try:
        import cv2
    except ImportError as error:
        raise MissingPackage("cv2", job="reading the pixels inside a polygon", extra="headless") from error
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [(points - np.array([left, top])).astype(np.int32)], 1)
    return Region(left, top, width, height, mask=inside > 0)
