"""Pixel-domain VIF against other implementations' values, its definition in two dimensions, and its closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from coconet.errors import CoconetError
from coconet.metrics.vif import vifp
from tests.support.media.textured import mean_of, textured

A, B = textured(0), textured(1)
MEAN = mean_of(A, B)


@pytest.mark.parametrize(
    ("reference", "picture", "value"),
    # What the packages sewar 0.4.10 and torchmetrics 1.9.0 (in float64) both give, equal to 15 digits.
    [(A, MEAN, 0.190690274432879), (B, MEAN, 0.195198380812214), (MEAN, A, 0.200904571286578)],
)
def test_it_is_what_two_other_packages_give(
    reference: NDArray[np.uint8], picture: NDArray[np.uint8], value: float
) -> None:
    assert vifp(reference, picture) == pytest.approx(value, rel=1e-12)


def _by_places(reference: NDArray[np.float64], picture: NDArray[np.float64], ceiling: float) -> float:
    """The definition, place by place, with two-dimensional windows; `ceiling` cuts the finest scale's products."""
    kept = present = 0.0
    for side in (17, 9, 5, 3):
        axis = np.arange(side) - side // 2
        window = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * (side / 5) ** 2))
        window /= window.sum()
        if side < 17:
            reference, picture, ceiling = (
                *(fftconvolve(p, window, "valid")[::2, ::2] for p in (reference, picture)),
                math.inf,
            )
        for y in range(reference.shape[0] - side + 1):
            for x in range(reference.shape[1] - side + 1):
                r, d = (p[y : y + side, x : x + side] for p in (reference, picture))
                mean_r, mean_d = (r * window).sum(), (d * window).sum()
                variance = max((np.minimum(r * r, ceiling) * window).sum() - mean_r**2, 0)
                other = max((np.minimum(d * d, ceiling) * window).sum() - mean_d**2, 0)
                covariance = (np.minimum(r * d, ceiling) * window).sum() - mean_r * mean_d
                gain, blur, variance = _gain(variance, other, covariance)
                kept += math.log10(1 + gain**2 * variance / (blur + 2))
                present += math.log10(1 + variance / 2)
    return kept / present


def _gain(variance: float, other: float, covariance: float) -> tuple[float, float, float]:
    gain = covariance / (variance + 1e-10)
    blur = other - gain * covariance
    if variance < 1e-10:
        gain, blur, variance = 0.0, other, 0.0
    if other < 1e-10:
        gain, blur = 0.0, 0.0
    if gain < 0:
        gain, blur = 0.0, other
    return gain, max(blur, 1e-10), variance


def _half_flat(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(np.arange(picture.shape[1]) < picture.shape[1] // 2, np.uint8(90), picture)


@pytest.mark.parametrize("reference", [A[:45, :50], _half_flat(A)[:45, :50], 255 - A[:45, :50]])
@pytest.mark.parametrize("picture", [MEAN[:45, :50], _half_flat(B)[:45, :50]])
def test_it_is_the_definition_place_by_place(reference: NDArray[np.uint8], picture: NDArray[np.uint8]) -> None:
    expected = _by_places(reference.astype(float), picture.astype(float), math.inf)
    assert vifp(reference, picture) == pytest.approx(expected, rel=1e-9)


def test_saturated_products_are_those_of_the_definition() -> None:
    expected = _by_places(A.astype(float), MEAN.astype(float), 255.0)
    assert vifp(A, MEAN, matlab_u8=True) == pytest.approx(expected, rel=1e-9)


def test_a_picture_keeps_all_of_itself() -> None:
    assert vifp(A, A) == pytest.approx(1, abs=1e-6)


def test_more_contrast_than_the_reference_counts_above_one() -> None:
    assert vifp(A // 2, A // 2 * 2) > 1


@given(st.integers(0, 255))
def test_a_constant_reference_has_nothing_to_lose_and_a_constant_picture_keeps_nothing(level: int) -> None:
    constant = np.full((41, 41), level, np.uint8)
    assert vifp(constant, A[:41, :41]) == 1.0
    assert vifp(A[:41, :41], constant) == 0.0


@pytest.mark.parametrize(("y", "x"), [(0, 0), (40, 40), (0, 40), (20, 20)])
@pytest.mark.parametrize("matlab_u8", [False, True])
def test_a_single_odd_pixel_gives_a_ratio(y: int, x: int, matlab_u8: bool) -> None:
    reference = np.full((41, 41), 200, np.uint8)
    reference[y, x] = 201
    assert 0 <= vifp(reference, reference, matlab_u8=matlab_u8) <= 1.000001


def test_pictures_too_small_for_four_scales_are_refused() -> None:
    with pytest.raises(CoconetError, match="at least 41 pixels a side"):
        vifp(A[:40], A[:40])
