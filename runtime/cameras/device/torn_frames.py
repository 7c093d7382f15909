"""Torn frames: buffers that are rolled, because a USB camera lost its place in the middle of one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import RawPixels

_COLUMN_STEP = 4  # every fourth column tells a row as well as all of them

_SEAM = 4.0  # times the usual difference of neighbouring rows: below, no row stands out

_ONLY_SEAM = 0.6  # of the seam: the largest other difference; an object in the scene has two edges

_SMOOTH_WRAP = 2.5  # times the usual difference: the last row goes on in the first one

_CLOSER = 0.5  # rolled back, a torn picture differs from the one before by less than so much of what it does as it is

_UNUSUAL = 3.0  # times the usual change from frame to frame: below, a frame is not looked at further

_CHANGES = 25

_SPARSE = 7  # every seventh sample tells the change of all

_MOST_IN_A_ROW = 30
"""This many frames in a row that are turned alike are a camera that was turned."""

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
    elsewhere, while its last row fits its first. Rolled back, it resembles the last whole frame. Where objects in the
    scene have stronger edges than the seam, or other pictures and telemetry roll in, the whole frame before tells: the
    buffer as a circle, turned back, resembles it in both parts, which no movement of the camera does.
    """

    def __init__(self) -> None:
        self._whole: NDArray[np.float32] | None = None
        self._before: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=_CHANGES)
        self._untried = self._in_a_row = 0

    def torn(self, pixels: RawPixels, samples: RawPixels | None = None) -> bool:
        """Whether (H, W, 1) pixels are torn; a frame that is not is remembered.

        samples: all that the camera sent, of which the pixels are a part; they themselves if not given.
        """
        rows = pixels[:, ::_COLUMN_STEP, 0].astype(np.float32)
        circle = np.nan_to_num((pixels if samples is None else samples).astype(np.float32).reshape(-1))
        seam = _seam(rows)
        torn = (seam is not None and seam.clear and self._bears_out(seam, rows)) or self._turned(
            circle, pixels.shape[1]
        )
        self._in_a_row = self._in_a_row + 1 if torn else 0
        if torn and self._in_a_row <= _MOST_IN_A_ROW:
            return True
        self._whole, self._before = rows, circle
        return False

    def _turned(self, circle: NDArray[np.float32], width: int) -> bool:
        """Whether a buffer of rows of `width` samples is the last whole one from another place on, a row or more away.

        The place is that of the best correlation.
        """
        before = self._before
        if before is None or before.shape != circle.shape:
            return False
        change = np.abs(circle - before)
        most = float(np.median(change[::_SPARSE]))  # not the mean, which is that of telemetry
        if self._changes and most <= _UNUSUAL * median(self._changes):
            self._changes.append(most)
            return False
        low, high = np.percentile(before[::_SPARSE], (1, 99))
        spectra = (np.fft.rfft(np.clip(one, low, high) - before.mean()) for one in (circle, before))
        alike = np.fft.irfft(next(spectra) * next(spectra).conj(), circle.size)
        turn = int(alike.argmax())
        left = np.abs(np.roll(circle, -turn) - before)
        parts = (slice(0, circle.size - turn), slice(circle.size - turn, None))
        by_rows = width <= turn <= circle.size - width  # by less, the camera may have moved sideways
        if by_rows and all(np.median(left[part]) < _CLOSER * np.median(change[part]) for part in parts):
            return True
        self._changes.append(most)
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
