"""How the thermal picture lies on the visible one: a homography."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coconet.errors import CoconetError
from runtime.frame import Pixels

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Alignment:
    """The geometry of a rig.

    homography: maps pixel coordinates (x, y, 1) of the infrared picture to those of the visible picture.
    size_px: (width, height) of the visible picture it was found for; None where that is not known.
    """

    homography: Matrix = IDENTITY
    size_px: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        values = [value for row in self.homography for value in row]
        if not all(math.isfinite(value) for value in values) or abs(np.linalg.det(self.homography)) < 1e-12:
            raise CoconetError(
                "[alignment] homography",
                wanted="three rows of three finite numbers that can be inverted",
                got=str(self.homography),
                remedy="Leave it out where the cameras are aligned already.",
            )

    def warp(self, infrared: Pixels, size_px: tuple[int, int], where: str = "alignment") -> Pixels:
        """Lay (H, W, 1) infrared pixels onto a visible picture of `size_px`, (width, height); uncovered pixels are 0.

        The identity returns `infrared` itself. Raises CoconetError, about `where`, for the identity between unequal
        sizes and for a homography that was found for another size.
        """
        if self.size_px is not None and self.size_px != size_px:
            raise _unfit(where, f"visible pictures of {_text(self.size_px)}", _text(size_px), "Align the rig again.")
        if self.homography != IDENTITY:
            import cv2

            matrix = np.array(self.homography)
            warped = cv2.warpPerspective(infrared, matrix, size_px, flags=cv2.INTER_LINEAR)
            return warped.astype(np.uint8, copy=False)[:, :, None]
        height, width = infrared.shape[:2]
        if (width, height) != size_px:
            raise _unfit(
                where,
                "infrared and visible pictures of equal size",
                f"{_text((width, height))} and {_text(size_px)}",
                "Set [alignment] homography in the rig file.",
            )
        return infrared


def _text(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"


def _unfit(where: str, wanted: str, got: str, remedy: str) -> CoconetError:
    return CoconetError(where, wanted=wanted, got=got, remedy=remedy)
