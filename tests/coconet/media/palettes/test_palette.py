"""Palettes: their colours against formulas and libraries of others, and which of them are ordered."""

from __future__ import annotations

import colorsys

import matplotlib as mpl
import numpy as np
import pytest
from skimage.color import rgb2lab

from coconet.errors import CoconetError
from coconet.media.palettes.palette import PALETTES, SHOWN, Palette, named_palette, palette_colours

RAMP = np.arange(256, dtype=np.uint8)[None, :, None]


def rgb(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(palette_colours(name)[:, ::-1], np.float64)


def test_all_palettes_of_operators_are_shown() -> None:
    wanted = "white-hot black-hot ironbow rainbow red-hot arctic inferno turbo viridis"
    assert wanted.split() == list(SHOWN)


def test_white_hot_and_black_hot_are_the_levels_and_their_opposites() -> None:
    assert named_palette("white-hot").apply(RAMP) is RAMP
    assert np.array_equal(named_palette("black-hot").apply(RAMP), 255 - RAMP)
    assert np.array_equal(named_palette("white-hot").turned().apply(RAMP), 255 - RAMP)


@pytest.mark.parametrize("name", ["inferno", "viridis", "turbo"])
def test_palettes_of_matplotlib_are_theirs(name: str) -> None:
    theirs = mpl.colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(rgb(name) - theirs).max() <= 3


@pytest.mark.parametrize("name", SHOWN)
def test_a_palette_is_marked_as_ordered_if_lightness_goes_one_way(name: str) -> None:
    lightness = rgb2lab(rgb(name)[None] / 255)[0, :, 0]
    back = min((np.maximum.accumulate(one) - one).max() for one in (lightness, lightness[::-1]))
    assert named_palette(name).is_ordered == bool(back <= 1)


def test_rainbow_goes_from_blue_over_green_to_red() -> None:
    hues = [colorsys.rgb_to_hsv(*rgb("rainbow")[level] / 255)[0] * 360 for level in (40, 80, 115, 160, 200, 224)]
    assert hues == sorted(hues, reverse=True)
    assert 220 < hues[0] < 250
    assert hues[-1] < 20


def test_red_hot_is_gray_up_to_its_hottest_quarter_and_red_at_the_end() -> None:
    spread = np.ptp(rgb("red-hot"), axis=1)
    assert spread[:191].max() == 0
    assert spread[200:].min() > 60
    assert rgb("red-hot")[-1].tolist() == [220, 0, 0]


def test_arctic_is_blue_where_it_is_cold_and_gold_where_it_is_warm() -> None:
    colours = rgb("arctic")
    assert (colours[40:170, 2] > colours[40:170, 0] + 50).all()
    assert (colours[215:250, 0] > colours[215:250, 2] + 50).all()


@pytest.mark.parametrize("name", [name for name in PALETTES if not name.endswith("-hot")])
def test_no_two_levels_apart_have_one_colour(name: str) -> None:
    colours = rgb(name)
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=2)
    far = np.abs(np.subtract.outer(np.arange(256), np.arange(256))) > 24
    assert apart[far].min() > 0


def test_a_palette_colours_every_level_as_its_table_says() -> None:
    own = Palette.of("own", np.random.default_rng(5).integers(0, 256, (256, 3)).astype(np.float32))
    assert np.array_equal(own.apply(RAMP)[0], own.bgr[:, 0])
    assert np.array_equal(own.turned().apply(RAMP)[0], own.bgr[::-1, 0])
    assert own.swatch[0] == "#" + bytes(own.bgr[0, 0, ::-1].tolist()).hex()


def test_a_name_nobody_knows_lists_those_that_are_known() -> None:
    with pytest.raises(CoconetError, match="colours must be one of white-hot, .*viridis"):
        named_palette("jet")
