"""Qabf pixel by pixel with plain loops, and where it is known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.signal import convolve2d

from coconet.metrics.qabf import qabf
from tests.support.media.textured import textured

SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
SOBEL_Y = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
SAME_DIRECTION = 0.9879 / (1 + math.exp(-4.4))
"""What equal directions count, by the curve's formula; equal strengths count 0.9994."""


def _by_pixels(*pictures: NDArray[np.uint8]) -> float:
    fused, *sources = ([convolve2d(p.astype(float), kernel, "same") for kernel in (SOBEL_X, SOBEL_Y)] for p in pictures)
    kept = present = 0.0
    for source in sources:
        for place in np.ndindex(pictures[0].shape):
            (strength, angle), (fused_strength, fused_angle) = (_edge(x[place], y[place]) for x, y in (source, fused))
            if strength == fused_strength:
                ratio = fused_strength
            else:
                ratio = min(strength, fused_strength) / max(strength, fused_strength)
            alignment = 1 - abs(angle - fused_angle) / (math.pi / 2)
            quality = 0.9994 / (1 + math.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + math.exp(-22 * (alignment - 0.8)))
            kept, present = kept + quality * strength, present + strength
    return kept / present


def _edge(x: float, y: float) -> tuple[float, float]:
    return math.sqrt(x * x + y * y), math.pi / 2 if x == 0 else math.atan(y / x)


def test_it_is_the_definition_pixel_by_pixel() -> None:
    pictures = [textured(kind, 23, 31) for kind in (0, 1, 2)]
    assert qabf(*pictures) == pytest.approx(_by_pixels(*pictures), rel=1e-12)


@given(arrays(np.uint8, (3, 4, 5), elements=st.sampled_from([0, 1, 128, 255])).filter(lambda stack: stack[1:].any()))
def test_it_is_the_definition_on_small_pictures_of_few_levels(stack: NDArray[np.uint8]) -> None:
    assert qabf(*stack) == pytest.approx(_by_pixels(*stack), rel=1e-9)


def test_copying_both_equal_sources_is_the_best_there_is() -> None:
    picture = textured(0)
    assert qabf(picture, picture, picture) == pytest.approx(0.9994 * SAME_DIRECTION, rel=1e-6)


def test_half_of_the_contrast_counts_as_the_middle_of_the_strength_curve() -> None:
    picture = textured(0) // 2 * 2
    assert qabf(picture // 2, picture, picture) == pytest.approx(0.9994 / 2 * SAME_DIRECTION, rel=1e-3)


@pytest.mark.parametrize("level", [0, 7])
def test_two_black_sources_have_no_edge_to_lose(level: int) -> None:
    black = np.zeros((5, 6), np.uint8)
    assert qabf(np.full_like(black, level), black, black) == 1.0


def test_the_zero_border_gives_constant_sources_an_edge() -> None:
    gray = np.full((5, 6), 100, np.uint8)
    assert qabf(gray, gray, gray) == pytest.approx(0.9994 * SAME_DIRECTION, rel=1e-6)
    assert qabf(np.zeros_like(gray), gray, gray) < 0.01
