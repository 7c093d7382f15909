"""Saturating uint8 arithmetic, step by step."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from coconet.metrics.fusion import entropy, score, vifp
from coconet.metrics.matlab_u8 import score_matlab_u8, shared_bits_u8, standard_deviation_u8
from tests.support.media.textured import mean_of, textured

A, B = textured(0), textured(1)
F = mean_of(A, B)


@given(arrays(np.uint8, (4, 5)))
def test_standard_deviation_saturates_at_every_step(picture: NDArray[np.uint8]) -> None:
    total, mean = 0, picture.sum(dtype=int) / picture.size
    for level in picture.ravel().tolist():
        difference = min(max(math.floor(level - mean + 0.5), 0), 255)
        total += min(difference * difference, 255)
    assert standard_deviation_u8(picture) == pytest.approx(math.sqrt(total / picture.size))


def test_the_top_two_levels_share_a_bin_of_the_joint_histogram_only() -> None:
    picture = np.array([[254, 255]], np.uint8)
    assert shared_bits_u8(picture, picture) == pytest.approx(2 * entropy(picture))


def test_it_differs_from_the_plain_score_in_four_fields() -> None:
    plain = score(F, A, B)
    assert score_matlab_u8(F, A, B) == dataclasses.replace(
        plain,
        SF=plain.SF / 255,
        SD=standard_deviation_u8(F),
        VIF=vifp(A, F, matlab_u8=True) + vifp(B, F, matlab_u8=True),
        MI=shared_bits_u8(A, F) + shared_bits_u8(B, F),
    )
