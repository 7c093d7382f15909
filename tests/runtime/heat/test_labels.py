"""Meters drawn on a picture: where they are, readable, and none on another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coconet.media.pixels import Pixels
from coconet.runtime.heat.labels import draw_meters
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.reading import Heat
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.preprocess.warp import Alignment
from tests.support.media.heat_scenes import counts_of, disc_c, heat_pair

FOUR_TIMES = Placing(by_alignment=Alignment(((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, 1.0))))


def heat_of(*tables: dict[str, Any], unit: str = "celsius") -> Heat:
    settings = TemperatureTable.model_validate({"scheme": "lepton", "unit": unit})
    named = [MeterTable(**{"name": f"m{at}", **table}) for at, table in enumerate(tables)]
    return Meters(Thermometer(settings), named).read(heat_pair(counts_of(disc_c())), np.zeros(0, np.intp), FOUR_TIMES)


def changed(before: Pixels, after: Pixels) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_box_is_drawn_where_the_alignment_lays_it(channels: int) -> None:
    picture = np.full((240, 320, channels), 120, np.uint8)
    drawn = draw_meters(picture, heat_of({"kind": "box", "points_px": [(20, 20), (60, 40)]}))
    assert (picture == 120).all()
    left, top, right, bottom = changed(picture[90:], drawn[90:])  # below the label
    assert [left, right] == pytest.approx([80, 240], abs=3)
    assert bottom + 90 == pytest.approx(160, abs=3)
    assert top == 0


def test_labels_of_many_meters_lie_within_the_picture_and_on_no_other() -> None:
    picture = np.full((240, 320, 3), 120, np.uint8)
    spots = [{"kind": "spot", "points_px": [(40 + at % 3, 30 + at % 2)]} for at in range(12)]
    heat = heat_of(*spots)
    paper = [np.count_nonzero((draw_meters(picture, one) == 24).all(axis=2)) for one in (heat, heat_of(spots[0]))]
    assert paper[0] > 9 * paper[1]  # labels on each other would show less paper


def test_no_outline_of_another_meter_crosses_a_label() -> None:
    picture = np.full((240, 320, 3), 120, np.uint8)
    spot = {"kind": "spot", "points_px": [(40, 30)]}
    alone = draw_meters(picture, heat_of(spot))
    left, top, right, bottom = changed(picture[:110], alone[:110])  # its label, above it
    box = {"kind": "box", "points_px": [(left // 4 + 4, top // 4 - 4), (70, 50)]}
    both = draw_meters(picture, heat_of(spot, box))
    assert (top, bottom) != (0, 0)
    assert np.array_equal(both[top : bottom - 6, left : right + 1], alone[top : bottom - 6, left : right + 1])


@pytest.mark.parametrize("size", [(30, 40), (480, 640), (1080, 1920)])
def test_text_is_read_on_any_size_of_picture_and_goes_nowhere_outside(size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    drawn = draw_meters(picture, heat_of({"kind": "hottest"}, {"kind": "spot", "points_px": [(0, 0)]}, unit="kelvin"))
    assert drawn.shape == picture.shape
    assert drawn.max() == 255


def test_a_meter_without_a_number_is_gray_and_one_outside_is_not_drawn() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    blind = draw_meters(picture, heat_of({"kind": "spot", "points_px": [(40, 30)], "pixels": "visible"}))
    assert blind.max() == 255  # it reads what is shown there
    outside = heat_of({"kind": "spot", "points_px": [(79, 59)]}, {"kind": "spot", "points_px": [(500, 500)]})
    assert draw_meters(picture, outside).max() == 255
    only_outside = heat_of({"kind": "spot", "points_px": [(500, 500)]})
    assert (draw_meters(picture, only_outside) == picture).all()
    beyond = heat_of({"kind": "box", "points_px": [(70, 50), (90, 70)]})
    assert draw_meters(picture, beyond).max() == 150
