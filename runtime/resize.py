"""Resizing of frames: areas averaged on the way down, linear on the way up."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from runtime.frame import Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="scaling pictures") from error


def resized(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """(H, W, C) to (height_px, width_px, C), uint8; sides of the size it has already come back unchanged."""
    smaller = width_px * height_px < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=method), np.uint8)
    return scaled.reshape(height_px, width_px, pixels.shape[2])  # OpenCV drops the axis of a single channel
