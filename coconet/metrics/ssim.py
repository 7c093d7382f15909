"""Structural similarity of two pictures, over Gaussian windows."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from coconet.metrics.gray import Gray, Samples, as_samples

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


WINDOW_SIDE_PX, SIGMA_PX = 11, 1.5

LUMINANCE_CONSTANT, CONTRAST_CONSTANT = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def structural_similarity(first: Gray, second: Gray) -> float:
    """Mean SSIM of two (H, W) pictures on 0..255: -1..1, 1 for equal pictures; sides of 11 pixels or more.

    Gaussian window of 11 x 11, sigma 1.5, population moments, 'valid' area, dynamic range 255. Its two constants
    define it on constant pictures too.
    Source: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13 (2004).
    """
    a, b = as_samples(first, second, least_px=WINDOW_SIDE_PX)
    window = gaussian_window(WINDOW_SIDE_PX, SIGMA_PX)
    mean_a, mean_b = slide(a, window), slide(b, window)
    squares, product = mean_a**2 + mean_b**2, mean_a * mean_b
    variances = slide(a * a + b * b, window) - squares
    covariance = slide(a * b, window) - product
    luminance = (2 * product + LUMINANCE_CONSTANT) / (squares + LUMINANCE_CONSTANT)
    structure = (2 * covariance + CONTRAST_CONSTANT) / (variances + CONTRAST_CONSTANT)
    return float((luminance * structure).mean())
