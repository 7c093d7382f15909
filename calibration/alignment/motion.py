"""Motion as a camera sees it: how much moves where, frame after frame, whatever the brightness, contrast and size."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.media.pixels import RawPixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="measuring motion", extra="headless") from error


CELLS = (16, 12)
"""Columns and rows of the grid that motion is told on."""

_SIZE_PX = (128, 96)  # frames are compared at this size, where sensor noise has averaged out

_NOISE_DEVIATIONS = 3.0

_MOST = 0.5  # deviations of the picture: a lamp that is switched on counts no more than a man who walks by

Motion = NDArray[np.float32]
"""(cells,) float32 from 0 (nothing moves) to 0.5: how much of the picture's spread changed in each cell."""


class MotionTrace:
    """Takes the frames of one camera and keeps how much moved between each two of them.

    Frames are compared after their mean and spread have been taken away, and after the best fitting gain, so that
    automatic exposure and gain move nothing. What differs by less than three deviations of the noise, which the median
    tells, counts as still.
    """

    def __init__(self) -> None:
        self.stamps_ns: list[int] = []
        self._motions: list[Motion] = []
        self._before: NDArray[np.float32] | None = None

    def add(self, pixels: RawPixels, stamp_ns: int) -> None:
        """Take the next frame: (H, W, 3) uint8, or (H, W, 1) uint8 or uint16; one that is not later is left out."""
        if self.stamps_ns and stamp_ns <= self.stamps_ns[-1]:
            return
        picture = _even(pixels)
        if self._before is not None:
            self._motions.append(_moved(self._before, picture))
        self._before = picture
        self.stamps_ns.append(stamp_ns)

    @property
    def span_ns(self) -> int:
        """From the first frame to the last."""
        return self.stamps_ns[-1] - self.stamps_ns[0] if self.stamps_ns else 0

    @property
    def period_ns(self) -> float:
        """The median interval. Needs two frames."""
        return float(np.median(np.diff(self.stamps_ns)))

    @property
    def active(self) -> float:
        """The share of the intervals, 0..1, in which anything moved."""
        return float(np.mean([motion.any() for motion in self._motions])) if self._motions else 0.0

    def at(self, times_ns: NDArray[np.float64], window_ns: float) -> NDArray[np.float64]:
        """Motion within a window around each time, (times, cells), so that cameras of unlike rates compare.

        What moved between two frames is spread evenly over the time between them.
        """
        stamps = np.asarray(self.stamps_ns, np.float64)
        moved = np.cumsum([np.zeros(CELLS[0] * CELLS[1]), *self._motions], axis=0)
        ends = (_between(times_ns + side * window_ns / 2, stamps, moved.T) for side in (1, -1))
        after, before = ends
        return after - before


def _between(times: NDArray[np.float64], stamps: NDArray[np.float64], rows: Iterable[Motion]) -> NDArray[np.float64]:
    return np.stack([np.interp(times, stamps, row) for row in rows], axis=1)


def _even(pixels: RawPixels) -> NDArray[np.float32]:
    """A small gray picture of mean 0 and deviation 1."""
    small = cv2.resize(pixels, _SIZE_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
    gray = small.mean(axis=2) if small.ndim == 3 else small
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    even: NDArray[np.float32] = (smooth - smooth.mean()) / max(float(smooth.std()), 1e-3)
    return even


def _moved(before: NDArray[np.float32], after: NDArray[np.float32]) -> Motion:
    changed = np.abs(after - float((before * after).mean()) * before)
    noise = 1.4826 * float(np.median(changed))  # of a normal distribution; moving things fill less than half a picture
    kept = np.clip(changed - _NOISE_DEVIATIONS * noise, 0, _MOST)
    return np.asarray(cv2.resize(kept, CELLS, interpolation=cv2.INTER_AREA), np.float32).ravel()
