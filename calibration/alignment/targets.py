"""Alignment from points that both cameras see: those of a heated board, or picked by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.media.pixels import Pixels, luma
from coconet.runtime.frame import FramePair

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras") from error


Points = NDArray[np.float32]
"""(N, 2): x and y in pixels."""

_WIDE_PX = 3.0  # a point farther off than this does not count for the homography (RANSAC)


@dataclass(frozen=True)
class Board:
    """A target: the inner corners of a checkerboard, or the circles of a grid, so many along each side."""

    kind: Literal["checkerboard", "circles"]
    columns: int
    rows: int

    def points(self, pixels: Pixels) -> Points | None:
        """Find its points in (H, W, C) uint8, row by row, hot or cold alike; None where it is not seen whole."""
        gray = np.asarray(np.rint(luma(pixels)), np.uint8)
        for picture in (gray, 255 - gray):
            found, points = self._find(picture)
            if found:
                return np.asarray(points, np.float32).reshape(-1, 2)
        return None

    def _find(self, gray: NDArray[np.uint8]) -> tuple[bool, Any]:
        size = (self.columns, self.rows)
        if self.kind == "circles":
            return cv2.findCirclesGrid(gray, size, flags=cv2.CALIB_CB_SYMMETRIC_GRID)
        return cv2.findChessboardCornersSB(gray, size)


def board_points(pairs: Iterable[FramePair], board: Board) -> Iterator[tuple[Points, Points]]:
    """Give the infrared and the visible points of every pair in which both cameras see the board."""
    for pair in pairs:
        infrared, visible = (board.points(frame.pixels) for frame in (pair.infrared, pair.visible))
        if infrared is not None and visible is not None:
            yield infrared, _same_order(infrared, visible)


def register_points(infrared: Points, visible: Points) -> tuple[NDArray[np.float64], float]:
    """Fit the homography from infrared to visible pixels; give it and the root mean square residual, in visible pixels.

    With two or three points it is a similarity, from four on a homography. Raises CoconetError for fewer than two, and
    for points that lie on a line or on top of each other.
    """
    if len(infrared) < 2:
        raise _unfit(f"{len(infrared)} points")
    if len(infrared) < 4:
        affine, _ = cv2.estimateAffinePartial2D(infrared, visible)
        matrix = None if affine is None else np.vstack([affine, [0, 0, 1]])
    else:
        method = cv2.RANSAC if len(infrared) > 4 else 0
        matrix, _ = cv2.findHomography(infrared, visible, method, _WIDE_PX)
    if matrix is None or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
        raise _unfit("points that lie on a line")
    mapped = cv2.perspectiveTransform(infrared[None].astype(np.float64), matrix)[0]
    return np.asarray(matrix, np.float64), float(np.sqrt(((mapped - visible) ** 2).sum(axis=1).mean()))


def picked_points(texts: Iterable[str]) -> tuple[Points, Points]:
    """Read points written as `x,y=x,y`, infrared first. Raises CoconetError for another form."""
    rows = [_numbers(text) for text in texts]
    table = np.array(rows, np.float32).reshape(-1, 4)
    return table[:, :2], table[:, 2:]


def _numbers(text: str) -> list[float]:
    try:
        (x, y), (u, v) = (part.split(",") for part in text.split("="))
        return [float(number) for number in (x, y, u, v)]
    except ValueError:
        raise CoconetError(
            "--point",
            wanted="x,y=x,y with the infrared pixel first",
            got=repr(text),
            remedy="For example: --point 120,80=260,170",
        ) from None


def _same_order(infrared: Points, visible: Points) -> Points:
    """A board has no up: turn the visible points where they run the other way than the infrared ones."""
    along = (infrared[-1] - infrared[0]) @ (visible[-1] - visible[0])
    return visible if along >= 0 else visible[::-1].copy()


def _unfit(got: str) -> CoconetError:
    return CoconetError(
        "alignment",
        wanted="at least two points, better eight, spread over the picture",
        got=got,
        remedy="Show the board nearer and in several places, or name more points.",
    )
