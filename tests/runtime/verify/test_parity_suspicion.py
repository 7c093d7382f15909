"""Pictures that look like an overflow, and pictures that only differ."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.pixels import Pixels
from coconet.runtime.verify.parity import ModelPictures, suspicion
from tests.support.media.frames import pair_of
from tests.support.media.textured import mean_of, textured

PICTURE: Pixels = np.clip(textured(0), 70, 180)[:, :, None]


def suspected(reference: Pixels, candidate: Pixels, source: Pixels = PICTURE) -> str:
    return suspicion(ModelPictures(pair_of(source, source), reference, candidate))


def with_patch(level: int, side_px: int) -> Pixels:
    picture: Pixels = PICTURE.copy()
    picture[:side_px, :side_px] = level
    return picture


@pytest.mark.parametrize("level", [0, 99, 255])
def test_a_flat_picture_is_suspicious_where_the_reference_is_none(level: int) -> None:
    assert suspected(PICTURE, np.full_like(PICTURE, level)) == f"every sample at {level}"


def test_a_flat_picture_is_not_suspicious_where_the_reference_is_flat() -> None:
    assert suspected(np.full_like(PICTURE, 7), np.full_like(PICTURE, 9)) == ""


@pytest.mark.parametrize("level", [0, 255])
def test_a_black_or_white_patch_is_suspicious(level: int) -> None:
    share = 100 / PICTURE.size
    assert suspected(PICTURE, with_patch(level, 10)) == f"{share:.1%} of it black or white where nothing else is"


@pytest.mark.parametrize("level", [0, 255])
def test_a_patch_that_a_camera_shows_too_is_not(level: int) -> None:
    patched = with_patch(level, 10)
    assert suspected(PICTURE, patched, source=patched) == ""


def test_a_single_sample_and_a_gray_patch_are_not() -> None:
    assert suspected(PICTURE, with_patch(0, 1)) == ""
    assert suspected(PICTURE, with_patch(254, 10)) == ""


def test_a_patch_in_one_channel_counts_as_its_share_of_all_samples() -> None:
    colour = np.repeat(PICTURE, 3, axis=2)
    broken = colour.copy()
    broken[:10, :10, 1] = 0
    pair = pair_of(colour, PICTURE)
    assert suspicion(ModelPictures(pair, colour, broken)).startswith(f"{100 / colour.size:.1%} of it")


def test_another_picture_is_not_suspicious_only_because_it_differs() -> None:
    other = mean_of(PICTURE[:, :, 0], np.clip(textured(1), 10, 240))[:, :, None]
    assert suspected(PICTURE, other) == ""
