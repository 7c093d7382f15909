"""Fusion by Laplacian pyramids: perfect reconstruction, and which detail wins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.runtime.backends.rules.pyramid import fuse_pyramids
from tests.support.media.textured import textured

PICTURES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=8, max_side=21))


@given(PICTURES, st.integers(1, 3))
def test_a_picture_fused_with_itself_comes_back_unchanged(picture: NDArray[np.uint8], details: int) -> None:
    assert (fuse_pyramids(picture, picture, details) == picture).all()


def test_flat_pictures_are_averaged() -> None:
    fused = fuse_pyramids(np.full((32, 40), 10, np.uint8), np.full((32, 40), 30, np.uint8))
    assert (fused == 20).all()


def test_detail_comes_from_the_picture_that_has_it_and_brightness_from_both() -> None:
    flat, fine = np.full((64, 64), 140, np.uint8), np.indices((64, 64)).sum(axis=0) % 2 * 40 + 80
    fused = fuse_pyramids(flat, fine.astype(np.uint8), details=2)[16:48, 16:48].astype(int)
    assert np.ptp(fused) == pytest.approx(40, abs=2)
    assert fused.mean() == pytest.approx((140 + 100) / 2, abs=1)


def test_the_stronger_of_two_equal_patterns_wins_whichever_side_it_is_on() -> None:
    pattern = np.indices((64, 64)).sum(axis=0) % 2
    weak, strong = (120 + height * pattern for height in (10, 50))
    first = fuse_pyramids(weak.astype(np.uint8), strong.astype(np.uint8))
    assert np.ptp(first[16:48, 16:48]) == pytest.approx(50, abs=2)
    assert (first == fuse_pyramids(strong.astype(np.uint8), weak.astype(np.uint8))).all()


@pytest.mark.parametrize("details", [0, 6])
def test_more_details_than_a_picture_can_be_halved_are_refused(details: int) -> None:
    picture = textured(0, 40, 50)
    with pytest.raises(CoconetError, match=f"cannot have {details} details with 50 x 40 pixels"):
        fuse_pyramids(picture, picture, details)
