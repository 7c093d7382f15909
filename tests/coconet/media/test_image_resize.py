"""Resizing, against means worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.image import resize
from tests.support.media.textured import textured


@pytest.mark.parametrize("channels", [1, 3])
def test_half_the_size_is_the_mean_of_four(channels: int) -> None:
    picture = np.repeat(textured(0, 20, 30)[:, :, None], channels, axis=2)
    means = picture.reshape(10, 2, 15, 2, channels).mean(axis=(1, 3))
    assert np.abs(resize(picture, 15, 10) - means).max() <= 0.5


@pytest.mark.parametrize("channels", [1, 3])
def test_a_larger_picture_keeps_its_levels_and_its_channels(channels: int) -> None:
    larger = resize(np.full((4, 5, channels), 77, np.uint8), 9, 11)
    assert larger.shape == (11, 9, channels)
    assert (larger == 77).all()


def test_the_same_size_changes_nothing() -> None:
    picture = textured(1, 20, 30)[:, :, None]
    assert np.array_equal(resize(picture, 30, 20), picture)
