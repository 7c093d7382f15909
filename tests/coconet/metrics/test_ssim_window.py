"""Gaussian windows against SciPy's two-dimensional correlation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

from coconet.metrics.ssim import gaussian_window, slide
from tests.support.media.textured import textured


@pytest.mark.parametrize(("side_px", "sigma_px"), [(3, 0.6), (11, 1.5), (17, 3.4)])
def test_a_window_falls_off_as_the_gaussian_and_sums_to_one(side_px: int, sigma_px: float) -> None:
    window = gaussian_window(side_px, sigma_px)
    centre = side_px // 2
    assert window.sum() == pytest.approx(1)
    assert window[centre + 1] / window[centre] == pytest.approx(np.exp(-0.5 / sigma_px**2))
    assert window == pytest.approx(window[::-1])


def test_sliding_is_the_two_dimensional_correlation_over_the_valid_area() -> None:
    samples, window = textured(0).astype(float), gaussian_window(9, 1.8)
    expected = correlate2d(samples, np.outer(window, window), mode="valid")
    assert slide(samples, window) == pytest.approx(expected, rel=1e-12)
