"""Structural similarity of two pictures."""

from __future__ import annotations

from coconet.gray import Gray, as_samples
from coconet.window import gaussian_window, slide

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
