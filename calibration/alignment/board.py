"""Alignment by a board that both cameras see: a heated checkerboard or grid of circles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from coconet.calibration.alignment.points import Points, register_points
from coconet.errors import CoconetError, MissingPackage, counted
from coconet.media.pixels import Pixels, nearest_luma
from coconet.runtime.frame import FramePair
from coconet.runtime.registration.registrar import Registration

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras", extra="headless") from error


@dataclass(frozen=True)
class Board:
    """A target: the inner corners of a checkerboard, or the circles of a grid, and their number along each side."""

    kind: Literal["checkerboard", "circles"]
    columns: int
    rows: int

    def points(self, pixels: Pixels) -> Points | None:
        """Find its points in (H, W, C) uint8, row by row, hot or cold alike; None if it is not seen whole."""
        gray = nearest_luma(pixels)
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


@dataclass(frozen=True)
class BoardRegistrar:
    """Aligns by the points of a board, of all pairs that show it whole on both sides."""

    board: Board

    @classmethod
    def from_text(cls, text: str) -> BoardRegistrar:
        """Read a board written as `checkerboard:7x5` or `circles:7x5`, of 3 to 99 points along each side.

        Raises CoconetError for another form.
        """
        found = re.fullmatch(r"(checkerboard|circles):([3-9]|[1-9][0-9])x([3-9]|[1-9][0-9])", text)
        if found is None:
            raise CoconetError(
                "--board",
                wanted="checkerboard:7x5 or circles:7x5",
                got=repr(text[:80]),
                remedy="Count the inner corners, or the circles.",
                says=f"must be of the form checkerboard:7x5 or circles:7x5, not {text[:80]!r}",
            )
        return cls(Board("circles" if found[1] == "circles" else "checkerboard", int(found[2]), int(found[3])))

    def register(self, pairs: Sequence[FramePair]) -> Registration:
        """Fit a homography to all points. Raises CoconetError if no pair shows the board whole."""
        found = list(board_points(pairs, self.board))
        if not found:
            raise CoconetError(
                f"{self.board.kind}:{self.board.columns}x{self.board.rows}",
                wanted="the board whole in both pictures",
                got=f"none in {counted(len(pairs), 'pair')}",
                remedy="Warm it, show it nearer and level, and check its number of corners.",
                says=f"is not found whole in both pictures of {counted(len(pairs), 'pair')}",
            )
        infrared, visible = (np.concatenate(side) for side in zip(*found, strict=True))
        homography, residual_px = register_points(infrared, visible)
        told = f"{counted(len(infrared), 'point')} in {counted(len(found), 'pair')}, residual {residual_px:.2f} px"
        return Registration(homography, "board", told)


def board_points(pairs: Iterable[FramePair], board: Board) -> Iterator[tuple[Points, Points]]:
    """Give the infrared and the visible points of every pair in which both cameras see the board."""
    for pair in pairs:
        infrared, visible = (board.points(frame.pixels) for frame in (pair.infrared, pair.visible))
        if infrared is not None and visible is not None:
            yield infrared, _same_order(infrared, visible)


def _same_order(infrared: Points, visible: Points) -> Points:
    """A board has no up: turn the visible points where they run the other way than the infrared ones."""
    along = (infrared[-1] - infrared[0]) @ (visible[-1] - visible[0])
    return visible if along >= 0 else visible[::-1].copy()
