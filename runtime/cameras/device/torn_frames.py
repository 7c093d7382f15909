"""Torn frames: pictures whose rows are rolled, because a USB camera lost its place in the middle of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import RawPixels

_COLUMN_STEP = 4  # every fourth column tells a row as well as all of them

_SEAM = 4.0  # times the usual difference of neighbouring rows: below, no row stands out

_ONLY_SEAM = 0.6  # of the seam: the largest other difference; an object in the scene has two edges

_SMOOTH_WRAP = 2.5  # times the usual difference: the last row goes on in the first one

_CLOSER = 0.5  # rolled back, a torn picture differs from the one before by less than so much of what it does as it is

_MOST_UNTRIED = 30
"""Frames that are dropped by their look alone, before a whole one has come; more that look so are the scene."""


@dataclass(frozen=True)
class _Seam:
    """The first row behind a seam, and whether the picture would be smooth if it began there."""

    row: int
    clear: bool


class TornGuard:
    """Tells torn frames by the seam in them, and by the whole frame before; one guard a camera.

    A torn frame has one row from which it goes on as it should have begun: there neighbouring rows differ far more than
    elsewhere, while its last row fits its first. Rolled back, it resembles the last whole frame.
    """

    def __init__(self) -> None:
        self._whole: NDArray[np.float32] | None = None
        self._untried = 0

    def torn(self, pixels: RawPixels) -> bool:
        """Whether (H, W, 1) samples are torn; a frame that is not is remembered."""
        rows = pixels[:, ::_COLUMN_STEP, 0].astype(np.float32)
        seam = _seam(rows)
        if seam is not None and seam.clear and self._bears_out(seam, rows):
            return True
        self._whole = rows
        return False

    def _bears_out(self, seam: _Seam, rows: NDArray[np.float32]) -> bool:
        whole = self._whole
        if whole is None or whole.shape != rows.shape:
            self._untried += 1
            return self._untried <= _MOST_UNTRIED
        as_it_is, rolled = (np.abs(one - whole).mean() for one in (rows, np.roll(rows, -seam.row, axis=0)))
        return bool(rolled < _CLOSER * as_it_is)


def _seam(rows: NDArray[np.float32]) -> _Seam | None:
    """The row at which neighbours differ most; None in a picture of fewer than eight rows."""
    if len(rows) < 8:
        return None
    steps = np.abs(np.diff(rows, axis=0)).mean(axis=1)
    usual, at = float(np.median(steps)), int(steps.argmax())
    largest = float(steps[at])
    others = np.delete(steps, at)
    wrap = float(np.abs(rows[0] - rows[-1]).mean())
    clear = largest > _SEAM * usual and float(others.max()) < _ONLY_SEAM * largest and wrap <= _SMOOTH_WRAP * usual
    return _Seam(at + 1, clear and usual > 0)
