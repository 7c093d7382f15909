"""The overlay: what it says, where it stands, and that it can be read on any ground and size."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone

import numpy as np
import pytest

from coconet.media.pixels import Pixels
from coconet.runtime.drawing import overlay
from coconet.runtime.drawing.overlay import Clocks, draw_overlay
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.reading import Heat, Reading
from coconet.runtime.look import OVERLAY_ITEMS, OverlayLook
from tests.support.rigs.looks import frame_to_look_at

NOON = datetime(2026, 3, 4, 12, 0, 0, 250_000, timezone.utc)
CLOCKS = Clocks(now_ns=lambda: 45_000_005, utc=lambda: NOON)
"""45 ms after the stamp of the visible frame."""

PLACES = ["top left", "top right", "bottom left", "bottom right"]


def live(**words: object) -> FusedFrame:
    return dataclasses.replace(frame_to_look_at(240, 320, **words), capture_to_fused_ms=30.0)


def said(frame: FusedFrame, *items: str, name: str = "mast") -> list[str]:
    return [line for item in items for line in overlay._lines(item, frame, name, CLOCKS)]  # type: ignore[arg-type]


def written(pixels: Pixels, *items: str, frame: FusedFrame | None = None, **keys: object) -> Pixels:
    look = OverlayLook.model_validate({"show": items, **keys})
    return draw_overlay(pixels, frame or live(), look, "mast", CLOCKS)


def test_times_are_those_of_the_picture_and_not_of_the_drawing() -> None:
    assert said(live(), "utc") == ["2026-03-04 12:00:00.2 UTC"]  # 250 - 45 ms
    local = NOON.astimezone()
    assert said(live(), "local") == [f"{local:%Y-%m-%d %H:%M:%S}.2 {local:%Z}"]


def test_skew_age_name_and_state_are_told() -> None:
    frame = live()
    pair = dataclasses.replace(
        frame.pair, infrared=dataclasses.replace(frame.pair.infrared, timestamp_ns=5 - 6_700_000)
    )
    frame = dataclasses.replace(frame, pair=pair)
    assert said(frame, "name", "state", "skew", "age") == ["mast", "both cameras live", "skew -6.7 ms", "age 45 ms"]


def test_a_lost_camera_is_the_state_and_has_no_skew() -> None:
    frame = live(missing=frozenset({"infrared"}), notice="infrared lost 2.0 s")
    assert said(frame, "state", "skew") == ["infrared lost 2.0 s"]


def test_a_recording_has_a_time_within_itself_and_no_age() -> None:
    frame = frame_to_look_at()
    later = dataclasses.replace(frame.pair.visible, timestamp_ns=3_725_960_000_000)
    frame = dataclasses.replace(frame, pair=dataclasses.replace(frame.pair, visible=later))
    assert said(frame, "utc", "local", "state", "age") == ["recording 1:02:05.9", "recording"]


def test_meters_are_a_line_each_and_a_blind_one_says_why() -> None:
    heat = Heat((Reading("axle", "hottest", value=81.25), Reading("belt", "spot", blind="frozen")))
    assert said(live(heat=heat), "meters") == ["axle 81.2 °C", "belt frozen"]


@pytest.mark.parametrize("place", PLACES)
def test_it_stands_in_its_corner_and_the_rest_is_untouched(place: str) -> None:
    ground = np.full((240, 320, 3), 120, np.uint8)
    rows, columns = np.nonzero((written(ground, "utc", "age", place=place) != ground).any(axis=2))
    assert (rows.max() < 120) == ("top" in place)
    assert (columns.min() == 0) == ("left" in place)
    assert (columns.max() == 319) == ("right" in place)
    assert (ground == 120).all()


@pytest.mark.parametrize("size", [(120, 160), (240, 320), (1080, 1920), (2160, 3840)])
@pytest.mark.parametrize("ground", [0, 255, "noise"])
def test_it_can_be_read_on_any_ground_and_any_size_of_picture(size: tuple[int, int], ground: object) -> None:
    rng = np.random.default_rng(7)
    plain = rng.integers(0, 256, (*size, 3), np.uint8) if ground == "noise" else np.full((*size, 3), ground, np.uint8)
    picture = written(plain, *OVERLAY_ITEMS)
    dark = np.full((*size, 3), 24, np.uint8)
    same = written(dark, *OVERLAY_ITEMS)
    inked = (same != dark).any(axis=2)
    rows, columns = np.nonzero(inked)
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    assert np.array_equal(picture[box], same[box])  # the ground does not come through
    assert same.max() == 255  # white on nearly black: 17 to 1
    assert rows.max() - rows.min() >= 5 * 7  # five lines of letters of six pixels or more
    assert rows.max() < 0.9 * size[0]
    assert columns.max() < size[1]


def test_size_makes_it_larger() -> None:
    ground = np.full((480, 640, 3), 24, np.uint8)
    heights = []
    for size in (1.0, 2.0):
        rows = np.nonzero((written(ground, "age", size=size) != ground).any(axis=(1, 2)))[0]
        heights.append(rows.max() - rows.min() + 1)
    assert heights[1] == pytest.approx(2 * heights[0], abs=3)


def test_lines_for_which_there_is_no_room_are_left_out() -> None:
    readings = tuple(Reading(f"m{at}", "spot", value=float(at)) for at in range(40))
    meters = tuple(MeterTable(name=f"m{at}", kind="spot", points_px=((1, 1),)) for at in range(40))
    frame = live(heat=Heat(readings, meters=meters))
    ground = np.full((120, 160, 3), 90, np.uint8)
    picture = written(ground, "meters", frame=frame)
    rows = np.nonzero((picture != ground).any(axis=(1, 2)))[0]
    assert rows.max() < 120 - 12  # the bar of alarms has its place


def test_it_lies_below_the_badge_of_a_camera_that_is_missing() -> None:
    ground = np.full((240, 320, 3), 120, np.uint8)
    frame = live(missing=frozenset({"infrared"}), notice="infrared lost")
    rows = np.nonzero((written(ground, "age", frame=frame) != ground).any(axis=(1, 2)))[0]
    assert rows.min() == 16


def test_nothing_to_say_is_nothing_drawn() -> None:
    ground = np.full((240, 320, 1), 120, np.uint8)
    assert written(ground) is ground
    assert written(ground, "age", frame=frame_to_look_at()) is ground
    assert written(ground, "name", name="x").shape == ground.shape
