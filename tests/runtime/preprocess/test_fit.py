"""Infrared pictures of another size laid onto visible ones, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement, fitted
from coconet.runtime.preprocess.fit_word import Fit
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment

SHIFT = Alignment(((1.0, 0.0, 3.0), (0.0, 1.0, 2.0), (0.0, 0.0, 1.0)), (64, 48), infrared_size_px=(64, 48))
SIDE = st.integers(1, 300)


def lit(width: int, height: int, channels: int = 1) -> Frame:
    return Frame(np.full((height, width, channels), 200, np.uint8), 0, 0)


def prepared(preparation: Preparation, visible: Frame, infrared: Frame) -> FramePair:
    return preparation(FramePair(visible, infrared))


def test_equal_sizes_are_left_alone() -> None:
    placement, pixels = Placement(Alignment()), lit(64, 48).pixels
    assert placement.lay(pixels, (64, 48), "here") is pixels
    assert placement.told == ""


@pytest.mark.parametrize("infrared", [(160, 120), (1280, 960)])
def test_equal_proportions_cover_the_picture_and_it_is_said(infrared: tuple[int, int]) -> None:
    placement = Placement(Alignment())
    assert placement.lay(lit(*infrared).pixels, (640, 480), "here").min() == 200
    assert placement.told.startswith(f"infrared {infrared[0]}x{infrared[1]} is scaled by {640 / infrared[0]:g} onto")
    assert "proportions" not in placement.told


@pytest.mark.parametrize(
    ("fit", "share", "said"),
    [("scale", 0.75, "80 px left and right stay black"), ("crop", 1.0, "25% of it is cut off above")],
)
def test_other_proportions_are_never_stretched_and_it_is_said(fit: Fit, share: float, said: str) -> None:
    placement = Placement(Alignment(), fit)
    laid = placement.lay(lit(160, 160).pixels, (640, 480), "here")
    assert (laid == 200).mean() == share
    assert said in placement.told


@given(SIDE, SIDE, SIDE, SIDE, st.sampled_from(["scale", "crop"]))
def test_both_scales_are_one_and_the_middles_meet(width: int, height: int, across: int, down: int, fit: Fit) -> None:
    found = fitted(fit, (width, height), (across, down))
    for own, size, before, corner in zip(found.size_px, (across, down), (width, height), found.corner_px, strict=True):
        assert abs(own - before * found.scale) <= 1
        assert abs(corner + own / 2 - size / 2) <= 0.5
        assert own >= size - 0.5 if fit == "crop" else own <= size + 0.5
    laid = found.lay(np.full((height, width, 1), 9, np.uint8), (across, down))
    assert laid.shape == (down, across, 1)
    assert (laid == 9).sum() == np.prod(
        [min(own, size) for own, size in zip(found.size_px, (across, down), strict=True)]
    )


def test_a_camera_that_changes_its_size_is_fitted_again() -> None:
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("front", "boson"))
    for width, height in ((640, 480), (320, 240), (640, 480)):
        pair = prepared(preparation, lit(width, height, 3), lit(160, 120))
        assert pair.infrared.pixels.shape == (height, width, 1)
        assert not pair.missing


def test_an_alignment_goes_along_with_a_picture_that_keeps_its_proportions() -> None:
    placement = Placement(SHIFT)
    small = placement.lay(lit(64, 48).pixels, (32, 24), "here")
    assert (small[0, 1], small[4, 4], small.shape) == (0, 200, (24, 32, 1))
    assert placement.told == "the alignment was found for other sizes and is scaled to visible 32x24 and infrared 64x48"


def test_what_cannot_be_aligned_any_more_passes_through_until_it_can() -> None:
    preparation = Preparation(ThermalStretch(), Placement(SHIFT), ("front", "boson"))
    frames = [lit(64, 48, 3), lit(64, 36, 3), lit(64, 48, 3)]
    pairs = [prepared(preparation, frame, lit(64, 48)) for frame in frames]
    assert [set(pair.missing) for pair in pairs] == [set(), {"infrared"}, set()]
    assert (
        pairs[1].notice == "not aligned: the alignment was found for other sizes than visible 64x36 and infrared 64x48"
    )
    assert pairs[1].infrared.pixels.shape == (36, 64, 1)


def test_what_could_never_be_aligned_is_an_error() -> None:
    preparation = Preparation(ThermalStretch(), Placement(SHIFT), ("front", "boson"))
    with pytest.raises(
        CoconetError, match="^front and boson does not fit: .*visible .* of 64x48 and infrared .* of 64x48"
    ):
        prepared(preparation, lit(64, 36, 3), lit(64, 48))


def test_a_thermal_camera_that_is_named_as_the_visible_one_is_named_in_the_error() -> None:
    counts = Frame(np.full((48, 64, 1), 30_000, np.uint16), 0, 0)
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("boson.mkv", "front.mkv"))
    with pytest.raises(CoconetError, match=r"^boson\.mkv is named as the visible side.* Swap the two sides"):
        prepared(preparation, counts, lit(64, 48))
