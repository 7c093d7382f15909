"""The balance: the visible picture, what the model made and the infrared picture, and everything between them."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.pixels import Pixels, luma
from coconet.runtime.balance import apply_heat, find_coverage
from coconet.runtime.heat.placing import Placing
from coconet.runtime.preprocess.fit import fitted
from coconet.runtime.preprocess.warp import Alignment

HEATS = tuple(range(0, 101, 5))
RNG = np.random.default_rng(5)
VISIBLE = RNG.integers(60, 196, (48, 64, 3), np.uint8)
FUSED = np.clip(VISIBLE.astype(int) + RNG.integers(-40, 41, (48, 64, 1)), 0, 255).astype(np.uint8)
INFRARED = RNG.integers(0, 256, (48, 64, 1), np.uint8)


def chroma(pixels: Pixels) -> np.ndarray:
    """B-Y and R-Y, which Cb and Cr are multiples of."""
    return pixels[:, :, ::2].astype(float) - luma(pixels)[:, :, None]


def test_the_ends_and_the_middle_are_the_pictures_themselves() -> None:
    assert apply_heat(FUSED, VISIBLE, INFRARED, 0) is VISIBLE
    assert apply_heat(FUSED, VISIBLE, INFRARED, 50) is FUSED


def test_at_100_the_luma_is_the_infrared_level_and_the_colour_that_of_the_visible_picture() -> None:
    led = apply_heat(FUSED, VISIBLE, INFRARED, 100)
    inside = (led > 0).all(axis=2) & (led < 255).all(axis=2)  # a colour that cannot be so bright or dark is clipped
    assert inside.mean() > 0.4
    assert np.abs(luma(led) - INFRARED[:, :, 0])[inside].max() <= 1.5
    assert np.abs(chroma(led) - chroma(VISIBLE))[inside].max() <= 3


def test_every_sample_goes_one_way_and_evenly_from_one_picture_to_the_next() -> None:
    steps = np.array([apply_heat(FUSED, VISIBLE, INFRARED, heat) for heat in HEATS]).astype(int)
    for half in (steps[:11], steps[10:]):
        change = np.diff(half, axis=0)
        assert ((change >= 0).all(axis=0) | (change <= 0).all(axis=0)).all()
        assert np.abs(change - (half[-1] - half[0]) / 10).max() <= 1  # of rounding


def test_the_luma_leaves_the_visible_picture_and_comes_nearer_to_the_infrared_one() -> None:
    lumas = [luma(apply_heat(FUSED, VISIBLE, INFRARED, heat)) for heat in HEATS]
    from_visible = [np.abs(one - luma(VISIBLE)).mean() for one in lumas[:11]]
    from_infrared = [np.abs(one - INFRARED[:, :, 0]).mean() for one in lumas[10:]]
    assert from_visible == sorted(from_visible)
    assert from_infrared == sorted(from_infrared, reverse=True)


def test_a_gray_visible_camera_stays_gray() -> None:
    seen, made = VISIBLE[:, :, :1], FUSED[:, :, :1]
    assert np.array_equal(apply_heat(made, seen, INFRARED, 100), INFRARED)
    between = apply_heat(made, seen, INFRARED, 75)
    assert between.shape == seen.shape
    assert np.abs(between - (made.astype(float) + INFRARED) / 2).max() <= 0.5


@pytest.mark.parametrize("channels", [1, 3])
def test_where_no_infrared_lies_the_picture_stays_visible(channels: int) -> None:
    placing = Placing(by_fit=fitted("scale", (24, 24), (64, 48)), infrared_px=(24, 24))
    covered = find_coverage(placing, (24, 24), (64, 48))
    assert covered is not None
    laid = placing.lay(np.full((24, 24, 1), 200, np.uint8), (64, 48))
    led = apply_heat(FUSED[:, :, :channels], VISIBLE[:, :, :channels], laid, 100, covered)
    bars = np.concatenate([led[:, :8], led[:, 56:]], axis=1).astype(int)
    assert np.abs(bars - np.concatenate([VISIBLE[:, :8], VISIBLE[:, 56:]], axis=1)[:, :, :channels]).max() <= 2
    assert np.abs(luma(led)[:, 8:56] - 200).mean() < 4


def test_the_border_of_an_alignment_fades_and_has_no_dark_rim() -> None:
    placing = Placing(by_alignment=Alignment(((1.0, 0.0, 10.5), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))))
    covered = find_coverage(placing, (64, 48), (64, 48))
    assert covered is not None
    assert (covered[:, :10] == 0).all()
    assert (np.abs(covered[:, 10].astype(int) - 128) <= 1).all()
    gray = np.full((48, 64, 1), 120, np.uint8)
    led = apply_heat(gray, gray, placing.lay(gray, (64, 48)), 100, covered)
    assert np.abs(led.astype(int) - 120).max() <= 1


def test_what_is_covered_everywhere_has_no_mask() -> None:
    assert find_coverage(Placing(), (64, 48), (64, 48)) is None
