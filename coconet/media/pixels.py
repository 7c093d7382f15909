"""Pixels: the arrays that pictures are, and their luma by one rule for everything."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(H, W, 3) BGR or (H, W, 1) gray, uint8."""

RawPixels = NDArray[Any]
"""As a camera gives them: uint8 like Pixels, or (H, W, 1) uint16 from a thermal camera."""

BGR_TO_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""BT.601 luma of full-range B, G, R."""


def luma(pixels: Pixels) -> NDArray[np.float32]:
    """(H, W, 3) BGR or (H, W, 1) gray to (H, W) on 0..255, not rounded: rounding would be a change of its own."""
    samples = pixels.astype(np.float32)
    plane: NDArray[np.float32] = samples @ BGR_TO_LUMA if pixels.shape[2] == 3 else samples[:, :, 0]
    return plane


class Digest(Protocol):
    """A running hash, such as hashlib gives."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""


def add_to(digest: Digest, pixels: RawPixels) -> None:
    """Take the shape, the type and the samples of a picture into a running hash."""
    digest.update(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
