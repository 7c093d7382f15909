"""Pictures of an alignment: both cameras over each other, and in turns as on a checkerboard."""

from __future__ import annotations

import numpy as np

from runtime.frame import FramePair, Pixels
from runtime.luma import luma

_TILES = 8


def overlay(pair: FramePair) -> Pixels:
    """Visible luma in green, infrared in red and blue: what lies right is gray, what does not has coloured edges.

    pair: aligned, (H, W, C) and (H, W, 1) uint8; gives (H, W, 3) BGR uint8.
    """
    visible = np.rint(luma(pair.visible.pixels)).astype(np.uint8)
    infrared = pair.infrared.pixels[:, :, 0]
    return np.stack([infrared, visible, infrared], axis=2)


def checkerboard(pair: FramePair) -> Pixels:
    """Tiles of both pictures in turns, as (H, W, 3) BGR uint8: edges go on across the borders where they lie right."""
    height, width = pair.visible.pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    side = max(1, min(height, width) // _TILES)
    odd = ((rows // side + columns // side) % 2).astype(bool)[:, :, None]
    visible = np.broadcast_to(pair.visible.pixels, (height, width, 3))
    return np.where(odd, pair.infrared.pixels, visible).astype(np.uint8)
