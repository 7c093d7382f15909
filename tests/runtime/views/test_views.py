"""Views: every pixel of each, against a formula of its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.transform import resize

from tests.support.rigs.looks import frame_to_look_at, shown

FRAME = frame_to_look_at()
VISIBLE = FRAME.pair.visible.pixels
INFERNO = cv2.applyColorMap(FRAME.pair.infrared.pixels, cv2.COLORMAP_INFERNO)


def test_the_fused_and_the_visible_picture_are_shown_as_they_are() -> None:
    assert shown(FRAME, "fused") is FRAME.pixels
    assert shown(FRAME, "visible") is VISIBLE


def test_infrared_is_shown_in_its_palette() -> None:
    infrared = FRAME.pair.infrared.pixels
    assert shown(FRAME, "infrared") is infrared
    assert np.array_equal(shown(FRAME, "infrared", colours="black-hot"), 255 - infrared)
    assert np.array_equal(shown(FRAME, "infrared", colours="inferno"), INFERNO)
    backwards = cv2.applyColorMap(255 - infrared, cv2.COLORMAP_INFERNO)
    assert np.array_equal(shown(FRAME, "infrared", colours="inferno", reversed=True), backwards)


@pytest.mark.parametrize("split", [0.0, 0.25, 1.0])
def test_a_split_is_visible_left_of_its_line_and_infrared_right_of_it(split: float) -> None:
    line = int(64 * split)
    expected = np.concatenate([VISIBLE[:, :line], INFERNO[:, line:]], axis=1)
    assert np.array_equal(shown(FRAME, "split", colours="inferno", split=split), expected)


def test_side_by_side_are_both_whole() -> None:
    picture = shown(FRAME, "side-by-side", colours="inferno")
    assert np.array_equal(picture, np.concatenate([VISIBLE, INFERNO], axis=1))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_blend_is_the_weighted_mean(share: float) -> None:
    mean = (1 - share) * VISIBLE.astype(float) + share * INFERNO
    picture = shown(FRAME, "blend", colours="inferno", blend=share)
    assert np.abs(picture - mean).max() <= 0.5 + 1e-6


def test_edges_add_what_the_visible_picture_has_beyond_its_blurred_self() -> None:
    luma = cv2.cvtColor(VISIBLE, cv2.COLOR_BGR2GRAY).astype(float)
    detail = luma - ndimage.gaussian_filter(luma, 1.0, mode="mirror", truncate=4)
    expected = np.clip(INFERNO + 2.0 * detail[:, :, None], 0, 255)
    picture = shown(FRAME, "edges", colours="inferno", edges={"strength": 2})
    assert np.abs(picture - expected).max() <= 1.5


def test_edges_in_a_colour_mix_it_in_by_their_strength() -> None:
    luma = cv2.cvtColor(VISIBLE, cv2.COLOR_BGR2GRAY).astype(float)
    detail = np.abs(luma - ndimage.gaussian_filter(luma, 1.0, mode="mirror", truncate=4))
    share = np.clip(detail / 64, 0, 1)[:, :, None]
    expected = INFERNO * (1 - share) + np.array([0x20, 0x80, 0xFF]) * share
    picture = shown(FRAME, "edges", colours="inferno", edges={"strength": 1, "colour": "#ff8020"})
    assert np.abs(picture - expected).max() <= 2.5


def test_edges_without_strength_are_heat_alone() -> None:
    assert np.array_equal(shown(FRAME, "edges", colours="inferno", edges={"strength": 0}), INFERNO)


@pytest.mark.parametrize("place", ["top left", "top right", "bottom left", "bottom right"])
def test_an_inset_lies_in_its_corner_and_leaves_the_rest(place: str) -> None:
    frame = frame_to_look_at(240, 320)
    picture = shown(frame, "inset", inset={"place": place, "size": 0.25})
    rows = slice(5, 65) if "top" in place else slice(175, 235)
    columns = slice(5, 85) if "left" in place else slice(235, 315)
    small = resize(frame.pair.infrared.pixels[:, :, 0].astype(float), (60, 80), order=1, anti_aliasing=False)
    assert np.abs(picture[rows, columns].astype(float) - small[:, :, None]).mean() < 3
    changed = (picture != frame.pair.visible.pixels).any(axis=2)
    assert changed[rows, columns].mean() > 0.9
    assert changed.sum() <= 62 * 82


def test_an_inset_in_the_centre_lies_as_it_is_aligned() -> None:
    frame = frame_to_look_at(240, 320)
    picture = shown(frame, "inset", inset={"place": "centre", "size": 0.5})
    assert np.array_equal(picture[60:180, 80:240], np.repeat(frame.pair.infrared.pixels[60:180, 80:240], 3, axis=2))


def test_the_visible_picture_can_lie_in_the_infrared_one() -> None:
    picture = shown(FRAME, "inset", inset={"of": "visible", "place": "centre", "size": 0.5})
    assert np.array_equal(picture[12:36, 16:48], VISIBLE[12:36, 16:48])
    assert np.array_equal(picture[:8], np.repeat(FRAME.pair.infrared.pixels[:8], 3, axis=2))


def test_the_alignment_view_draws_infrared_outlines_on_the_gray_visible_picture() -> None:
    picture = shown(FRAME, "alignment").astype(int)
    coloured = np.ptp(picture, axis=2) > 60
    rows, columns = np.nonzero(coloured)
    assert (rows.min(), rows.max()) == pytest.approx((12, 35), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((20, 43), abs=2)
    assert not coloured[18:30, 26:38].any()
