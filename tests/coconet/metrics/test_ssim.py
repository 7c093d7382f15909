"""SSIM against scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.metrics import structural_similarity as skimage_ssim

from coconet.errors import CoconetError
from coconet.metrics.ssim import structural_similarity, uniform_similarity
from tests.support.media.textured import textured

GAUSSIAN: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
PICTURE = arrays(np.uint8, (12, 13))


@given(PICTURE, PICTURE)
def test_it_is_that_of_scikit_image(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
    expected = skimage_ssim(first.astype(float), second.astype(float), **GAUSSIAN)
    assert structural_similarity(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(PICTURE, PICTURE)
def test_even_windows_are_those_of_scikit_image_by_itself(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
    expected = skimage_ssim(first.astype(float), second.astype(float), data_range=255)
    assert uniform_similarity(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_another_dynamic_range_changes_the_constants_alone() -> None:
    first, second = textured(0), textured(1)
    expected = skimage_ssim(first.astype(float), second.astype(float), **{**GAUSSIAN, "data_range": 1})
    assert structural_similarity(first, second, peak=1.0) == pytest.approx(expected, rel=1e-9)


def test_equal_pictures_have_one_and_inverted_ones_less_than_zero() -> None:
    picture = textured(0)
    assert structural_similarity(picture, picture) == pytest.approx(1)
    assert structural_similarity(picture, 255 - picture) < 0


@given(st.integers(0, 255), st.integers(0, 255))
def test_constant_pictures_have_the_luminance_term_alone(a: int, b: int) -> None:
    expected = (2 * a * b + 2.55**2) / (a * a + b * b + 2.55**2)
    value = structural_similarity(np.full((11, 11), a, np.uint8), np.full((11, 11), b, np.uint8))
    assert value == pytest.approx(expected, rel=1e-9)


def test_pictures_smaller_than_the_window_are_refused() -> None:
    with pytest.raises(CoconetError, match="at least 11 pixels a side"):
        structural_similarity(np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8))
