"""Meters read scenes of known temperature right to the step of the counts, or say why they read nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coconet.media.pixels import RawPixels
from coconet.runtime.frame import FramePair
from coconet.runtime.heat.heat_map import HeatMap
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import EIGHT_BIT, Meters
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.reading import Heat, Reading
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.preprocess.warp import Alignment
from tests.support.media.heat_scenes import COOL_C, DISC, SIZE, WARM_C, counts_of, disc_c, heat_pair

STEP_C = 0.01
RIGHT, DOWN, RADIUS = DISC
NONE_DEAD = np.zeros(0, np.intp)


def meters_of(*tables: dict[str, Any], **temperature: Any) -> Meters:
    settings = TemperatureTable(**{"scheme": "lepton", **temperature})
    named = [MeterTable(**{"name": f"m{at}", **table}) for at, table in enumerate(tables)]
    return Meters(Thermometer(settings), named)


def heat_of(meters: Meters, pair: FramePair, placing: Placing | None = None) -> Heat:
    return meters.read(pair, NONE_DEAD, placing)


def reading_of(table: dict[str, Any], infrared: RawPixels, **temperature: Any) -> Reading:
    (reading,) = heat_of(meters_of(table, **temperature), heat_pair(infrared)).readings
    return reading


def box(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    return {"kind": "box", "points_px": [(left, top), (right, bottom)]}


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ({"kind": "spot", "points_px": [(RIGHT, DOWN)]}, WARM_C),
        ({"kind": "spot", "points_px": [(0, 0)]}, COOL_C),
        ({"kind": "hottest"}, WARM_C),
        ({"kind": "coldest"}, COOL_C),
        ({"kind": "hottest", "points_px": [(0, 0), (10, 10)]}, COOL_C),
        ({"kind": "coldest", "points_px": [(35, 25), (45, 25), (45, 35), (35, 35)]}, WARM_C),
        (box(RIGHT - 3, DOWN - 3, RIGHT + 3, DOWN + 3), WARM_C),
        ({"kind": "polygon", "points_px": [(RIGHT, DOWN - 5), (RIGHT + 5, DOWN), (RIGHT, DOWN + 5)]}, WARM_C),
        ({"kind": "line", "points_px": [(0, 5), (79, 5)]}, COOL_C),
    ],
)
def test_every_kind_reads_a_warm_disc_to_the_step_of_the_counts(table: dict[str, Any], wanted: float) -> None:
    assert reading_of(table, counts_of(disc_c())).value == pytest.approx(wanted, abs=STEP_C / 2 + 1e-4)


def test_a_box_across_the_edge_of_the_disc_has_the_mean_and_share_of_its_pixels() -> None:
    reading = reading_of({**box(20, 20, 60, 40), "above": 30.0}, counts_of(disc_c()))
    part = disc_c()[20:41, 20:61]
    assert reading.share_above == pytest.approx(float((part > 30).mean()))
    assert reading.mean == pytest.approx(float(part.mean()), abs=STEP_C)
    assert [reading.min, reading.max, reading.pixels] == pytest.approx([20, 36.5, 41 * 21])


def test_a_line_gives_the_temperature_of_every_pixel_along_it() -> None:
    ramp = np.tile(np.linspace(10, 49.5, 80), (60, 1))
    reading = reading_of({"kind": "line", "points_px": [(4, 50), (24, 10)]}, counts_of(ramp))
    columns = np.rint(np.linspace(4, 24, 41)).astype(int)
    assert reading.profile == pytest.approx(ramp[0, columns].tolist(), abs=STEP_C / 2 + 1e-4)


def test_the_hottest_and_the_coldest_say_where() -> None:
    scene = disc_c()
    scene[7, 61], scene[50, 3] = 90.0, -5.0
    found = heat_of(meters_of({"kind": "hottest"}, {"kind": "coldest"}), heat_pair(counts_of(scene)))
    assert [one.at_px for one in found.readings] == [(61, 7), (3, 50)]


@pytest.mark.parametrize(("unit", "wanted"), [("celsius", 36.5), ("fahrenheit", 97.7), ("kelvin", 309.65)])
def test_the_unit_is_that_of_the_rig(unit: str, wanted: float) -> None:
    meters = meters_of({"kind": "hottest", "above": wanted - 0.1}, unit=unit)
    found = heat_of(meters, heat_pair(counts_of(disc_c())))
    assert found.readings[0].value == pytest.approx(wanted, abs=0.01)
    assert found.readings[0].share_above == pytest.approx(float((disc_c() > 30).mean()))
    assert found.temperatures is not None
    assert float(found.temperatures.max()) == pytest.approx(wanted, abs=0.01)


def test_something_too_hot_to_be_told_leaves_no_maximum_and_no_mean_but_the_minimum() -> None:
    counts = counts_of(disc_c())
    counts[DOWN, RIGHT] = 65535
    reading = reading_of({**box(20, 20, 60, 40), "above": 30.0}, counts)
    assert (reading.max, reading.mean, reading.beyond) == (None, None, "hotter")
    assert [reading.min, reading.limit] == pytest.approx([20, 382.19])
    assert reading.share_above == pytest.approx(float((disc_c()[20:41, 20:61] > 30).mean()))
    hottest = reading_of({"kind": "hottest"}, counts)
    assert (hottest.value, hottest.at_px, str(hottest)) == (None, (RIGHT, DOWN), "> 382.2 °C")
    assert "hotter than the camera can tell" in hottest.blind
    assert reading_of({"kind": "coldest"}, counts).value == pytest.approx(20)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "spot", "points_px": [(80, 3)]}, "outside of the infrared picture of 80x60"),
        (box(70, 50, 90, 55), "outside"),
        ({"kind": "spot", "points_px": [(3, 3)], "pixels": "visible"}, "does not lie on the visible one"),
        ({"kind": "spot", "points_px": [(9, 9)]}, "no pixel is measured"),
    ],
)
def test_a_meter_that_sees_nothing_says_why(table: dict[str, Any], said: str) -> None:
    counts = counts_of(disc_c())
    counts[9, 9] = 0
    reading = reading_of(table, counts)
    assert (reading.value, said in reading.blind) == (None, True), reading.blind


def test_an_8_bit_picture_gives_no_number_and_says_why() -> None:
    reading = reading_of({"kind": "hottest"}, np.full((*SIZE, 1), 200, np.uint8))
    assert (reading.value, reading.blind) == (None, EIGHT_BIT)


def test_meters_stay_where_they_are_on_the_picture_while_the_camera_is_away() -> None:
    meters = meters_of(box(2, 2, 9, 9))
    pair, placing = heat_pair(counts_of(disc_c())), Placing()
    away = dataclasses.replace(pair, missing=frozenset({"infrared"}), notice="infrared lost")
    assert heat_of(meters, away).placing is None
    heat_of(meters, pair, placing)
    assert heat_of(meters, away).placing is placing


def test_a_camera_that_is_missing_gives_no_number() -> None:
    pair = dataclasses.replace(heat_pair(counts_of(disc_c())), missing=frozenset({"infrared"}), notice="infrared late")
    found = heat_of(meters_of({"kind": "hottest"}), pair)
    assert (found.map, found.readings[0].value) == (None, None)
    assert "infrared late" in found.readings[0].blind


def noisy(seed: int, warm_c: float = WARM_C) -> RawPixels:
    rng = np.random.default_rng(seed)
    return counts_of(disc_c(warm_c) + rng.normal(0, 0.02, SIZE))


def test_the_shutter_gives_no_number_in_any_of_its_frames_and_its_end_brings_them_back() -> None:
    rng = np.random.default_rng(5)
    shut = [counts_of(np.full(SIZE, 29.0) + rng.normal(0, 0.02, SIZE)) for _ in range(5)]
    pictures = [*map(noisy, range(10)), *shut, *map(noisy, range(10, 14))]
    meters = meters_of({"kind": "spot", "points_px": [(RIGHT, DOWN)]})
    values = [heat_of(meters, heat_pair(picture, at)).readings[0].value for at, picture in enumerate(pictures)]
    assert [value is None for value in values] == [False] * 10 + [True] * 5 + [False] * 4
    assert [value for value in values if value] == pytest.approx([WARM_C] * 14, abs=0.1)


def test_a_picture_that_is_repeated_while_the_shutter_is_closed_gives_no_number() -> None:
    meters, still = meters_of({"kind": "hottest"}), noisy(3)
    pictures = [*map(noisy, range(10)), *[still] * 10]
    blind = [heat_of(meters, heat_pair(picture, at)).readings[0].blind for at, picture in enumerate(pictures)]
    assert (blind[9], "shutter" in blind[-1]) == ("", True)
    patient = Meters(meters.thermometer, meters.tables, HealthLimits(frozen_s=0))  # a source that repeats
    assert not any(heat_of(patient, heat_pair(picture, at)).readings[0].blind for at, picture in enumerate(pictures))


def test_a_frame_that_is_held_for_several_pairs_counts_once() -> None:
    meters = meters_of({"kind": "hottest"})
    for at in range(8):
        heat_of(meters, heat_pair(noisy(at), at))
    held = [heat_of(meters, heat_pair(noisy(8), 8)).readings[0].blind for _ in range(9)]
    assert held == [""] * 9


def test_a_gain_switch_keeps_every_number_to_the_step_of_its_gain() -> None:
    meters = meters_of({"kind": "spot", "points_px": [(RIGHT, DOWN)]})
    before, after = (
        heat_of(meters, heat_pair(counts_of(disc_c() + at / 10, per_kelvin), at)).readings[0].value
        for at, per_kelvin in enumerate((100, 10))
    )
    assert before == pytest.approx(36.5, abs=0.0051)
    assert after == pytest.approx(36.6, abs=0.0501)


def test_a_meter_in_visible_pixels_reads_what_is_shown_there() -> None:
    placing = Placing(by_alignment=Alignment(((2.0, 0.0, 15.0), (0.0, 2.0, 7.0), (0.0, 0.0, 1.0))))
    shown = [(15 + 2 * RIGHT, 7 + 2 * DOWN)]
    meters = meters_of({"kind": "spot", "points_px": shown, "pixels": "visible"})
    (reading,) = heat_of(meters, heat_pair(counts_of(disc_c())), placing).readings
    assert reading.at_px == (RIGHT, DOWN)
    assert reading.value == pytest.approx(WARM_C, abs=0.01)


def test_without_a_meter_nothing_is_measured_until_a_program_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    meters, measured = meters_of(), list[int]()
    measure = meters.thermometer.measure

    def counted(pixels: RawPixels, dead: NDArray[np.intp]) -> HeatMap:
        measured.append(1)
        return measure(pixels, dead)

    monkeypatch.setattr(meters.thermometer, "measure", counted)
    found = heat_of(meters, heat_pair(counts_of(disc_c())))
    assert measured == []
    for _ in range(2):
        assert found.temperatures is not None
        assert float(found.temperatures.max()) == pytest.approx(WARM_C, abs=0.01)
    assert measured == [1]


def test_other_meters_are_read_from_the_next_pair_on() -> None:
    meters = meters_of({"kind": "hottest"})
    meters.change([MeterTable(name="new", kind="coldest")])
    assert names_of(heat_of(meters, heat_pair(counts_of(disc_c()))).readings) == ["new"]


def names_of(readings: Sequence[Reading]) -> list[str]:
    return [one.name for one in readings]
