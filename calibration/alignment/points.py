"""Alignment by points: the fit of a homography to points of both pictures, and points that a person names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.runtime.frame import FramePair
from coconet.runtime.registration.registrar import Registration

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras", extra="headless") from error


Points = NDArray[np.float32]
"""(N, 2): x and y in pixels."""

_FARTHEST_PX = 65_536.0

_WIDE_PX = 3.0  # a point farther off than this does not count for the homography (RANSAC)


@dataclass(frozen=True)
class PointRegistrar:
    """Aligns by points that were picked by eye, (N, 2) of each picture in one order; it looks at no pair."""

    infrared: Points
    visible: Points

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> PointRegistrar:
        """Read points written as `x,y=x,y`, infrared first. Raises CoconetError for another form."""
        table = np.array([_numbers(text) for text in texts], np.float32).reshape(-1, 4)
        return cls(table[:, :2], table[:, 2:])

    def register(self, pairs: Sequence[FramePair]) -> Registration:
        """Fit a similarity to two or three points and a homography to more; the pairs are not looked at."""
        homography, residual_px = register_points(self.infrared, self.visible)
        return Registration(homography, "points", f"{len(self.infrared)} points, residual {residual_px:.2f} px")


def register_points(infrared: Points, visible: Points) -> tuple[NDArray[np.float64], float]:
    """Fit the homography from infrared to visible pixels; give it and the root mean square residual, in visible pixels.

    With two or three points it is a similarity, from four on a homography. Raises CoconetError for fewer than two, and
    for points that lie on a line or on top of each other.
    """
    if len(infrared) < 2:
        raise _unfit(counted(len(infrared), "point"))
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


def _numbers(text: str) -> list[float]:
    try:
        (x, y), (u, v) = (part.split(",") for part in text.split("="))
        numbers = [float(number) for number in (x, y, u, v)]
    except ValueError:
        numbers = []
    if not numbers or not all(abs(number) <= _FARTHEST_PX for number in numbers):
        raise CoconetError(
            "--point",
            wanted="x,y=x,y in pixels, with the infrared one first",
            got=repr(text[:80]),
            remedy="For example: --point 120,80=260,170",
            says=f"must be x,y=x,y in pixels with the infrared one first, not {text[:80]!r}",
        )
    return numbers


def _unfit(got: str) -> CoconetError:
    return CoconetError(
        "alignment",
        wanted="at least two points, better eight, spread over the picture",
        got=got,
        remedy="Show the board nearer and in several places, or name more points.",
        says=f"cannot be found from {got}",
    )
