"""How the thermal picture lies on the visible one: lenses, a homography and a distance, in one pass over the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


_FAR_PX = 32_000.0
"""OpenCV's tables hold 16 bits: a source so far away is outside of every picture."""

_MOST = 1e7  # of a number in a geometry; a lens, a shift or a matrix beyond that maps every picture to nothing

_FOCAL_PX, _DISTANCE_M = (0.1, _MOST), (0.01, 1e6)


@dataclass(frozen=True)
class Lens:
    """A camera's focal lengths and centre, in pixels, and its distortion, (k1, k2, p1, p2, k3) as OpenCV has them.

    Raises CoconetError for focal lengths below 0.1, and for numbers that are not finite or beyond 1e7.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (*self.focal_px, *self.centre_px, *self.distortion)
        if not (_all_within(self.focal_px, *_FOCAL_PX) and _all_within(numbers, -_MOST, _MOST)):
            raise CoconetError(
                "[alignment] lens",
                wanted=f"focal_px from {_FOCAL_PX[0]:g} on, and finite numbers up to {_MOST:g}",
                got=str(self),
                remedy="Give the camera matrix of a calibration in pixels.",
                says=f"must have focal_px from {_FOCAL_PX[0]:g} on and finite numbers up to {_MOST:g}, not {self}",
            )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix, (3, 3)."""
        return np.array([[self.focal_px[0], 0, self.centre_px[0]], [0, self.focal_px[1], self.centre_px[1]], [0, 0, 1]])


@dataclass(frozen=True)
class Plane:
    """The distance at which both pictures meet, for cameras that stand beside each other.

    parallax_px_m: how far, in visible pixels times metres, the infrared picture moves right and down with nearness.
    aligned_at_m: the distance that the homography was found at. distance_m: the one that matters now.
    Raises CoconetError for distances that are not from 0.01 to 1e6, and for a parallax beyond 1e7.
    """

    parallax_px_m: tuple[float, float]
    aligned_at_m: float
    distance_m: float

    def __post_init__(self) -> None:
        distances = (self.aligned_at_m, self.distance_m)
        if not (_all_within(distances, *_DISTANCE_M) and _all_within(self.parallax_px_m, -_MOST, _MOST)):
            raise CoconetError(
                "[alignment] plane",
                wanted=f"distances from {_DISTANCE_M[0]:g} to {_DISTANCE_M[1]:g}, and a parallax up to {_MOST:g}",
                got=str(self),
                remedy="Give the distances in metres.",
                says=f"must have distances from {_DISTANCE_M[0]:g} to {_DISTANCE_M[1]:g} and a parallax up to "
                f"{_MOST:g}, not {self}",
            )

    @property
    def shift_px(self) -> tuple[float, float]:
        """How far the aligned picture has to be moved, right and down."""
        nearness = 1 / self.distance_m - 1 / self.aligned_at_m
        return self.parallax_px_m[0] * nearness, self.parallax_px_m[1] * nearness


@dataclass(frozen=True)
class Alignment:
    """The geometry of a rig.

    homography: maps pixel coordinates (x, y, 1) of the infrared picture to those of the visible picture, both without
    the distortion of their lenses where these are known.
    size_px, infrared_size_px: (width, height) of the pictures it was found for; None if that is not known.
    """

    homography: Matrix = IDENTITY
    size_px: tuple[int, int] | None = None
    infrared_lens: Lens | None = None
    visible_lens: Lens | None = None
    plane: Plane | None = None
    infrared_size_px: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        values = [value for row in self.homography for value in row]
        if not _all_within(values, -_MOST, _MOST) or abs(np.linalg.det(self.homography)) < 1e-12:
            raise CoconetError(
                "[alignment] homography",
                wanted=f"three rows of three finite numbers that can be inverted, none above {_MOST:g}",
                got=str(self.homography),
                remedy="Leave it out if the cameras are aligned already.",
                says=f"must be three rows of three finite numbers up to {_MOST:g} that can be inverted, not "
                f"{self.homography}",
            )

    @property
    def trivial(self) -> bool:
        """Whether every infrared pixel stays where it is."""
        return self == Alignment(size_px=self.size_px, infrared_size_px=self.infrared_size_px)

    def for_sizes(self, infrared_px: tuple[int, int], visible_px: tuple[int, int]) -> Alignment | None:
        """The same geometry for pictures of (width, height) that were only scaled; None for other proportions.

        A size that it was found for and is not known is taken to be the one at hand.
        """
        seen, thermal = self.size_px or visible_px, self.infrared_size_px or infrared_px
        if not (_proportional(seen, visible_px) and _proportional(thermal, infrared_px)):
            return None
        if seen == visible_px and thermal == infrared_px:
            return self
        on_visible, on_infrared = _scaling(seen, visible_px), _scaling(thermal, infrared_px)
        matrix = on_visible @ np.array(self.homography) @ np.linalg.inv(on_infrared)
        plane = self.plane
        if plane is not None:
            across, down = plane.parallax_px_m
            parallax = (across * float(on_visible[0, 0]), down * float(on_visible[1, 1]))
            plane = replace(plane, parallax_px_m=parallax)
        rows = (matrix / matrix[2, 2]).tolist() if matrix[2, 2] else matrix.tolist()
        return Alignment(
            (tuple(rows[0]), tuple(rows[1]), tuple(rows[2])),
            visible_px,
            _scaled_lens(self.infrared_lens, on_infrared),
            _scaled_lens(self.visible_lens, on_visible),
            plane,
            infrared_px,
        )

    def warp(self, infrared: Pixels, size_px: tuple[int, int], where: str = "alignment") -> Pixels:
        """Lay (H, W, 1) infrared pixels onto a visible picture of `size_px`, (width, height); uncovered pixels are 0.

        The identity returns `infrared` itself. Raises CoconetError, about `where`, for the identity between unequal
        sizes and for a homography that was found for another size.
        """
        if self.size_px is not None and self.size_px != size_px:
            wanted = f"visible pictures of {_text(self.size_px)}"
            says = f"does not fit: the alignment was found for {wanted}, and these are {_text(size_px)}"
            raise _unfit(where, wanted, _text(size_px), "Align the rig again.", says)
        if not self.trivial:
            import cv2

            second: Any = None  # its types want an array, but with an empty one it gives a wrong picture
            warped = cv2.remap(infrared, laid_points(self, size_px), second, cv2.INTER_LINEAR)
            return np.asarray(warped, np.uint8)[:, :, None]
        height, width = infrared.shape[:2]
        if (width, height) != size_px:
            raise _unfit(
                where,
                "visible and infrared pictures of equal size",
                f"visible {_text(size_px)} and infrared {_text((width, height))}",
                "Find [alignment] homography for the rig file with coconet align.",
                f"does not fit: {_text((width, height))} on {_text(size_px)} visible pixels, and no alignment is known",
            )
        return infrared


_SAME_PROPORTIONS = 0.005
"""How far width : height may be off, relatively: sides are whole pixels, as in 1920x1080 and 854x480."""


def _proportional(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return abs(first[0] * second[1] / (first[1] * second[0]) - 1) <= _SAME_PROPORTIONS


def _scaling(before: tuple[int, int], after: tuple[int, int]) -> NDArray[np.float64]:
    """(3, 3), from a picture to the same picture in another size; a pixel covers half a step either way."""
    across, down = after[0] / before[0], after[1] / before[1]
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1.0]])


def _scaled_lens(lens: Lens | None, scaling: NDArray[np.float64]) -> Lens | None:
    if lens is None:
        return None
    focal = (lens.focal_px[0] * float(scaling[0, 0]), lens.focal_px[1] * float(scaling[1, 1]))
    x, y, _ = (scaling @ np.array([*lens.centre_px, 1.0])).tolist()
    return replace(lens, focal_px=focal, centre_px=(x, y))


def _all_within(numbers: Iterable[float], least: float, most: float) -> bool:
    """Whether all numbers lie in a range; what is no number does not."""
    return all(least <= number <= most for number in numbers)


def as_matrix(homography: NDArray[np.float64]) -> Matrix:
    """A (3, 3) array as the numbers of a rig file, scaled so that the last one is 1."""
    with np.errstate(all="ignore"):  # Alignment refuses what is not finite
        scaled = homography / homography[2, 2]
    rows = [[round(float(value), 9) for value in row] for row in scaled]
    return ((rows[0][0], rows[0][1], rows[0][2]), (rows[1][0], rows[1][1], rows[1][2]), (rows[2][0], rows[2][1], 1.0))


STEPS_PER_PX = 32
"""How many places between two pixels there are: those of OpenCV 4, so that pictures depend on no version of it."""


@lru_cache(maxsize=4)
def laid_points(alignment: Alignment, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """The source points, (H, W, 2), each at the nearest place of STEPS_PER_PX between two pixels."""
    # OpenCV 5 takes 0.6 of the time for floats that it takes for the fixed-point form, and OpenCV 4 takes 1.3 times.
    return np.asarray(np.rint(source_points(alignment, size_px) * STEPS_PER_PX) / STEPS_PER_PX, np.float32)


def source_points(alignment: Alignment, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Where every pixel of a visible picture of (width, height) lies in the infrared one: (H, W, 2), x and y."""
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float64) for side in size_px))
    points = infrared_points(alignment, np.stack([x.ravel(), y.ravel()], axis=1))
    points = np.clip(np.nan_to_num(points, nan=-_FAR_PX), -_FAR_PX, _FAR_PX)
    return np.ascontiguousarray(points.reshape(size_px[1], size_px[0], 2), np.float32)


def infrared_points(alignment: Alignment, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where visible points, (N, 2), lie in the infrared picture; not finite where they have no source there."""
    if alignment.visible_lens is not None:
        points = _undistorted(points, alignment.visible_lens)
    if alignment.plane is not None:
        points = points - np.array(alignment.plane.shift_px)
    with np.errstate(all="ignore"):  # what lies on the horizon, or far outside of a lens, has no source
        points = _projected(points, np.linalg.inv(np.array(alignment.homography)))
        return points if alignment.infrared_lens is None else _distorted(points, alignment.infrared_lens)


def visible_points(alignment: Alignment, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where infrared points, (N, 2), lie in the visible picture; not finite where that does not show them."""
    if alignment.infrared_lens is not None:
        points = _undistorted(points, alignment.infrared_lens)
    with np.errstate(all="ignore"):
        points = _projected(points, np.array(alignment.homography))
        if alignment.plane is not None:
            points = points + np.array(alignment.plane.shift_px)
        return points if alignment.visible_lens is None else _distorted(points, alignment.visible_lens)


def _projected(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    projected: NDArray[np.float64] = moved[:, :2] / moved[:, 2:]
    return projected


def _undistorted(points: NDArray[np.float64], lens: Lens) -> NDArray[np.float64]:
    import cv2

    straight = cv2.undistortPoints(points[None], lens.matrix, np.array(lens.distortion), P=lens.matrix)
    return np.asarray(straight, np.float64).reshape(-1, 2)


def _distorted(points: NDArray[np.float64], lens: Lens) -> NDArray[np.float64]:
    """Where a straight picture's points lie in the picture of the lens (OpenCV's model, Brown 1966)."""
    k1, k2, p1, p2, k3 = lens.distortion
    x, y = ((points - np.array(lens.centre_px)) / np.array(lens.focal_px)).T
    square = x**2 + y**2
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x**2)
    bent_y = y * radial + p1 * (square + 2 * y**2) + 2 * p2 * x * y
    bent: NDArray[np.float64] = np.stack([bent_x, bent_y], axis=1) * np.array(lens.focal_px) + np.array(lens.centre_px)
    return bent


def _text(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"


def _unfit(where: str, wanted: str, got: str, remedy: str, says: str) -> CoconetError:
    return CoconetError(where, wanted=wanted, got=got, remedy=remedy, says=says)
