"""A panel: the infrared, the visible and the fused picture side by side, with their names above them."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from runtime.frame import FusedFrame, Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="writing captions into pictures") from error

CAPTIONS = ("infrared", "visible", "fused")
BAND_PX = 24
GAP_PX = 4
INK = (235, 235, 235)
PAPER = 24


def side_by_side(frame: FusedFrame) -> Pixels:
    """Three pictures of (H, W) as one, (H + 24, 3 W + 8, 3) BGR uint8; colours as they are in the frame."""
    pictures = (frame.pair.infrared.pixels, frame.pair.visible.pixels, frame.pixels)
    columns = [_captioned(_bgr(pixels), caption) for pixels, caption in zip(pictures, CAPTIONS, strict=True)]
    gap = np.full((columns[0].shape[0], GAP_PX, 3), PAPER, np.uint8)
    return np.hstack([columns[0], gap, columns[1], gap, columns[2]])


def _bgr(pixels: Pixels) -> Pixels:
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def _captioned(pixels: Pixels, caption: str) -> Pixels:
    band = np.full((BAND_PX, pixels.shape[1], 3), PAPER, np.uint8)
    cv2.putText(band, caption, (6, BAND_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return np.vstack([band, pixels])
