"""The hash of calibration frames: which pictures, in which order, the ranges of a model came from."""

from __future__ import annotations

import hashlib

import numpy as np

from runtime.frame import FramePair


class FrameDigest:
    """A running SHA-256 over the pixels and shapes of pairs, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.frames = 0

    def add(self, pair: FramePair) -> None:
        """Take in one pair."""
        for pixels in (pair.visible.pixels, pair.infrared.pixels):
            self._hash.update(f"{pixels.shape} {pixels.dtype}".encode())
            self._hash.update(np.ascontiguousarray(pixels).tobytes())
        self.frames += 1

    def hexdigest(self) -> str:
        """64 hexadecimal digits for what was taken in so far."""
        return self._hash.hexdigest()
