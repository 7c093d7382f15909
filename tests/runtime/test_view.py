"""Looks: what each view shows of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.view import ViewSettings
from coconet.runtime.view_renderer import render_view
from coconet.runtime.viewers.latest_frame import Jpegs, NumberedFrame

RNG = np.random.default_rng(3)


def fused(**alone: object) -> FusedFrame:
    visible = Frame(RNG.integers(0, 256, (48, 64, 3), np.uint8), 5, 0)
    warm = np.full((48, 64, 1), 20, np.uint8)
    warm[12:36, 20:44] = 230
    return FusedFrame(visible.pixels // 2, FramePair(visible, Frame(warm, 5, 0), **alone), 1.0)  # type: ignore[arg-type]


def test_the_fused_and_the_visible_picture_are_shown_as_they_are() -> None:
    frame = fused()
    assert render_view(frame, ViewSettings()) is frame.pixels
    assert render_view(frame, ViewSettings("visible")) is frame.pair.visible.pixels


def test_infrared_is_coloured_as_opencv_does() -> None:
    frame = fused()
    infrared = frame.pair.infrared.pixels
    assert np.array_equal(render_view(frame, ViewSettings("infrared", "black-hot")), 255 - infrared)
    expected = cv2.applyColorMap(infrared, cv2.COLORMAP_INFERNO)
    assert np.array_equal(render_view(frame, ViewSettings("infrared", "inferno")), expected)


def test_the_alignment_view_draws_infrared_outlines_on_the_gray_visible_picture() -> None:
    picture = render_view(fused(), ViewSettings("alignment")).astype(int)
    coloured = np.ptp(picture, axis=2) > 60
    rows, columns = np.nonzero(coloured)
    assert (rows.min(), rows.max()) == pytest.approx((12, 35), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((20, 43), abs=2)
    assert not coloured[18:30, 26:38].any()


def test_a_missing_camera_is_black_under_its_notice() -> None:
    frame = fused(missing=frozenset({"infrared"}), notice="infrared lost 2.0 s")
    picture = render_view(frame, ViewSettings("infrared", "turbo"))
    assert picture.shape == (48, 64, 3)
    assert picture[:12].max() > 100
    assert not picture[16:].any()


def test_only_infrared_has_colours_so_that_equal_pictures_are_encoded_once() -> None:
    assert ViewSettings("fused", "turbo") == ViewSettings("fused", "inferno")
    assert ViewSettings("infrared", "turbo") != ViewSettings("infrared", "inferno")


@pytest.mark.parametrize("words", [("heat",), ("infrared", "pink"), ("infrared", ["turbo"])])
def test_an_unknown_look_lists_the_known_ones(words: tuple[str, ...]) -> None:
    with pytest.raises(CoconetError, match=r"wanted (fused, visible|white-hot, black-hot)"):
        ViewSettings(*words)  # type: ignore[arg-type]


def test_a_picture_is_encoded_once_however_many_ask() -> None:
    jpegs, posted = Jpegs(), NumberedFrame(1, fused())
    first, again = (jpegs.of(posted, ViewSettings("alignment")).result() for _ in range(2))
    other = jpegs.of(posted, ViewSettings("fused")).result()
    jpegs.close()
    assert first is again
    assert jpegs.encoded == 2
    decoded = cv2.imdecode(np.frombuffer(other, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == posted.frame.pixels.shape


def test_the_pictures_of_old_frames_are_forgotten() -> None:
    jpegs, frame = Jpegs(), fused()
    for serial in range(40):
        jpegs.of(NumberedFrame(serial, frame), ViewSettings()).result()
    jpegs.close()
    assert len(jpegs._asked) == 12
