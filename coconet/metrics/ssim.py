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

UNIFORM_SIDE_PX = 7


def structural_similarity(first: Gray, second: Gray, *, peak: float = 255.0) -> float:
    """Mean SSIM of two (H, W) pictures on 0..255: -1..1, 1 for equal pictures; sides of 11 pixels or more.

    Gaussian window of 11 x 11, sigma 1.5, population moments, 'valid' area. Its two constants define it on constant
    pictures too.
    peak: the dynamic range that the constants are shares of; 1 on such pictures leaves next to nothing of them.
    Source: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13 (2004).
    """
    return _mean_similarity(first, second, gaussian_window(WINDOW_SIDE_PX, SIGMA_PX), peak, 1.0)


def uniform_similarity(first: Gray, second: Gray) -> float:
    """The same over even windows of 7 x 7 with sample moments, as scikit-image has it unless told otherwise."""
    samples = UNIFORM_SIDE_PX**2
    window = np.full(UNIFORM_SIDE_PX, 1.0 / UNIFORM_SIDE_PX)
    return _mean_similarity(first, second, window, 255.0, samples / (samples - 1))


def _mean_similarity(first: Gray, second: Gray, window: Samples, peak: float, unbiased: float) -> float:
    """unbiased: what population variances are multiplied by."""
    a, b = as_samples(first, second, least_px=len(window))
    for_luminance, for_contrast = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_a, mean_b = slide(a, window), slide(b, window)
    squares, product = mean_a**2 + mean_b**2, mean_a * mean_b
    variances = unbiased * (slide(a * a + b * b, window) - squares)
    covariance = unbiased * (slide(a * b, window) - product)
    luminance = (2 * product + for_luminance) / (squares + for_luminance)
    structure = (2 * covariance + for_contrast) / (variances + for_contrast)
    return float((luminance * structure).mean())
