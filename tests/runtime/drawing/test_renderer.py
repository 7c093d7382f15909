"""Looks: what they have in common, whatever the view."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.palettes.palette import Palette
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.look import Look
from coconet.runtime.viewers.latest_frame import Jpegs, NumberedFrame
from coconet.runtime.views.kinds import VIEWS
from coconet.runtime.views.names import VIEW_NAMES
from tests.support.rigs.looks import frame_to_look_at, shown


def test_every_view_that_can_be_named_is_drawn() -> None:
    assert tuple(VIEWS) == VIEW_NAMES
    for view in VIEW_NAMES:
        assert shown(frame_to_look_at(), view).shape[0] == 48


def test_no_view_changes_the_pixels_of_the_frame() -> None:
    frame, same = frame_to_look_at(), frame_to_look_at()
    for view in VIEW_NAMES:
        shown(frame, view, colours="ironbow", colour_bar=True, overlay={"show": ["state", "skew"]})
    assert np.array_equal(frame.pixels, same.pixels)
    assert np.array_equal(frame.pair.visible.pixels, same.pair.visible.pixels)
    assert np.array_equal(frame.pair.infrared.pixels, same.pair.infrared.pixels)


def test_every_view_takes_a_gray_visible_camera() -> None:
    frame = frame_to_look_at()
    gray = dataclasses.replace(frame.pair.visible, pixels=frame.pair.visible.pixels[:, :, :1])
    pair = dataclasses.replace(frame.pair, visible=gray, notice="look")
    frame = dataclasses.replace(frame, pair=pair, fused=frame.pixels[:, :, :1])
    for view in VIEW_NAMES:
        picture = shown(frame, view, colours="turbo", colour_bar=True, overlay={"show": ["state"]})
        assert picture.dtype == np.uint8
        assert picture.shape == (48, 128 if view == "side-by-side" else 64, picture.shape[2])


@pytest.mark.parametrize("view", ["blend", "edges", "inset", "alignment", "isotherm"])
def test_a_view_of_both_cameras_shows_what_is_left_while_one_is_missing(view: str) -> None:
    frame = frame_to_look_at(missing=frozenset({"infrared"}), notice="infrared lost 2.0 s")
    assert np.array_equal(shown(frame, view), frame.pixels)


@pytest.mark.parametrize("view", ["infrared", "split", "side-by-side"])
def test_a_missing_camera_is_black_under_its_notice(view: str) -> None:
    frame = frame_to_look_at(missing=frozenset({"infrared"}), notice="infrared lost 2.0 s")
    picture = shown(frame, view, colours="turbo")
    assert picture[:12].max() > 100
    assert not picture[16:, -10:].any()


@pytest.mark.parametrize("view", [view for view in VIEW_NAMES if view != "fused"])
def test_what_is_to_be_noticed_stands_on_every_view(view: str) -> None:
    notice = shown(frame_to_look_at(notice="alignment off by 9 px"), view)
    plain = shown(frame_to_look_at(), view)
    assert (np.broadcast_to(plain, notice.shape)[:12] != notice[:12]).any()
    assert np.array_equal(np.broadcast_to(plain, notice.shape)[13:], notice[13:])


def test_looks_that_come_to_the_same_picture_are_equal_so_that_it_is_encoded_once() -> None:
    normal = Renderer().normal
    assert normal(Look(colours="turbo", blend=0.3)) == normal(Look(colours="inferno", split=0.1))
    assert normal(Look(show="blend", blend=0.3)) != normal(Look(show="blend", blend=0.4))
    assert hash(normal(Look(show="edges", blend=0.3))) == hash(normal(Look(show="edges")))


def test_a_palette_of_the_user_is_known_by_its_name_and_another_name_lists_all() -> None:
    own = Palette.of("lab", np.zeros((256, 3), np.float32))
    picture = Renderer({"lab": own}).draw(frame_to_look_at(), Look(show="infrared", colours="lab"))
    assert not picture.any()
    with pytest.raises(CoconetError, match="must be one of white-hot, .*viridis, lab"):
        Renderer({"lab": own}).draw(frame_to_look_at(), Look(show="infrared", colours="pink"))


def test_alarms_that_are_on_stand_at_the_bottom_of_any_view() -> None:
    frame = frame_to_look_at()
    marked = Renderer().draw(frame, Look(show="blend"), ["too hot"])
    assert (marked[-12:] != shown(frame, "blend")[-12:]).any()
    assert np.array_equal(marked[:-12], shown(frame, "blend")[:-12])


def test_a_picture_is_encoded_once_however_many_ask() -> None:
    jpegs, posted = Jpegs(), NumberedFrame(1, frame_to_look_at())
    first, again = (jpegs.of(posted, Look(show="alignment", colours=one)).result() for one in ("turbo", "arctic"))
    other = jpegs.of(posted, Look()).result()
    jpegs.close()
    assert first is again
    assert jpegs.encoded == 2
    decoded = cv2.imdecode(np.frombuffer(other, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == posted.frame.pixels.shape


def test_the_pictures_of_old_frames_are_forgotten() -> None:
    jpegs, frame = Jpegs(), frame_to_look_at()
    for serial in range(40):
        jpegs.of(NumberedFrame(serial, frame), Look()).result()
    jpegs.close()
    assert len(jpegs._asked) == 12
