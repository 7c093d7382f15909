"""Pictures with edges, flats and fine texture at once, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def textured(kind: int, height: int = 61, width: int = 73) -> NDArray[np.uint8]:
    """Blocks of many levels with a fine pattern on them, (height, width); kinds 0 to 7 differ. Integers only."""
    y, x = np.mgrid[0:height, 0:width]
    blocks = x // (7 + kind) * 37 + y // (9 - kind) * 53
    return np.asarray((blocks + x * y * (3 + kind) % 29) % 256, np.uint8)


def mean_of(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean of two pictures, halves rounded down."""
    return np.asarray((first.astype(int) + second) // 2, np.uint8)


def unequal_pair(height: int, width: int, channels: int = 3) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(H, W, channels) and (H, W, 1), so that what is found of a part is not what is found of the whole."""
    ramp = np.linspace(0.1, 1, width)[None, :, None]
    seen = np.dstack([textured(kind, height, width) for kind in range(channels)]) * ramp
    return seen.astype(np.uint8), (textured(5, height, width)[:, :, None] * ramp[:, ::-1]).astype(np.uint8)
