"""Gaussian windows, slid over the part of a picture that they fit into whole."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from coconet.gray import Samples

try:
    from scipy.ndimage import correlate1d
except ImportError as error:
    raise MissingPackage("scipy", job="the fusion metrics", extra="metrics") from error


def gaussian_window(side_px: int, sigma_px: float) -> Samples:
    """Give one axis of a square Gaussian window of odd side, (side_px,), sum 1; its outer product is the window."""
    offsets = np.arange(side_px) - side_px // 2
    weights = np.exp(-0.5 * (offsets / sigma_px) ** 2)
    return np.asarray(weights / weights.sum(), np.float64)


def slide(samples: Samples, window: Samples) -> Samples:
    """Take the mean under a symmetric window (n,) at every whole position: (H, W) to (H - n + 1, W - n + 1)."""
    reach = len(window) // 2
    for axis in (0, 1):
        samples = correlate1d(samples, window, axis=axis)
        samples = samples.take(range(reach, samples.shape[axis] - reach), axis=axis)
    return samples
