"""Dead pixels of a thermal sensor: found because they never agree with their neighbours, repaired from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.media.pixels import RawPixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="repairing dead pixels", extra="headless") from error


FRAMES_TO_TELL = 30
"""A pixel has to be odd in nearly all of this many frames: what moves or flickers in the scene is no defect."""

_ODD_SHARE = 0.9

_ODD_FACTOR = 8.0  # times the usual distance of a pixel from the median of its neighbourhood

_LEAST_DISTANCE = 32.0  # counts; a quiet sensor's noise is below


class DeadPixels:
    """Remembers which pixels of one camera are odd, and replaces those that always are.

    Beware: a hot point that is one pixel small and never moves looks the same, and is removed.
    """

    def __init__(self) -> None:
        self._begin(())

    def _begin(self, shape: tuple[int, ...]) -> None:
        """Know of no pixel yet, in pictures of another shape."""
        self._shape, self._frames = shape, 0
        self._odd: NDArray[np.uint16] = np.zeros(math.prod(shape), np.uint16)
        self._dead: NDArray[np.intp] = np.zeros(0, np.intp)

    @property
    def flat(self) -> NDArray[np.intp]:
        """Which pixels are repaired now, as flat indices."""
        return self._dead

    @property
    def count(self) -> int:
        """How many pixels are repaired now."""
        return int(self._dead.size)

    def repair(self, pixels: RawPixels) -> RawPixels:
        """Return (H, W, 1) uint16 with every dead pixel replaced by the median of its 3x3 neighbourhood."""
        if pixels.shape != self._shape:
            self._begin(pixels.shape)
        smooth = cv2.medianBlur(pixels, 3).reshape(pixels.shape)
        self._learn(pixels, smooth)
        if not self._dead.size:
            return pixels
        repaired: RawPixels = pixels.copy()
        repaired.reshape(-1)[self._dead] = smooth.reshape(-1)[self._dead]
        return repaired

    def _learn(self, pixels: RawPixels, smooth: RawPixels) -> None:
        distance = cv2.absdiff(pixels, smooth).reshape(-1)
        odd = distance > max(_LEAST_DISTANCE, _ODD_FACTOR * float(np.mean(distance)))
        self._odd += odd
        self._frames += 1
        if self._frames == FRAMES_TO_TELL:
            self._dead = np.flatnonzero(self._odd >= _ODD_SHARE * FRAMES_TO_TELL)
            self._odd[:], self._frames = 0, 0
