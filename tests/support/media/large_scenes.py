"""A pair whose parts are unlike each other: one side dark, the other bright, with texture all over."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels
from tests.support.media.textured import textured


def unequal_pair(height: int, width: int, channels: int = 3) -> tuple[Pixels, Pixels]:
    """(H, W, channels) and (H, W, 1), so that what is found of a part is not what is found of the whole."""
    ramp = np.linspace(0.1, 1, width)[None, :, None]
    seen = np.dstack([textured(kind, height, width) for kind in range(channels)]) * ramp
    return seen.astype(np.uint8), (textured(5, height, width)[:, :, None] * ramp[:, ::-1]).astype(np.uint8)
