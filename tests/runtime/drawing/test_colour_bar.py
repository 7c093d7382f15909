"""The colour bar: its colours, and the degrees or counts that stand beside them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coconet.media.palettes.palette import named_palette
from coconet.media.pixels import RawPixels
from coconet.media.thermal_settings import ThermalSettings
from coconet.runtime.drawing.colour_bar import _numbers, draw_colour_bar
from coconet.runtime.frame import FramePair
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.preprocess import Preparation
from tests.support.media.heat_scenes import counts_of, heat_pair

RAMP_C = np.broadcast_to(np.linspace(0, 80, 80), (60, 80))


def pair_of(infrared: RawPixels, unit: str | None = "celsius", **settings: object) -> FramePair:
    table = None if unit is None else TemperatureTable.model_validate({"scheme": "lepton", "unit": unit})
    meters = None if table is None else Meters(Thermometer(table))
    stretch = ThermalStretch(ThermalSettings(**settings))  # type: ignore[arg-type]
    return Preparation(stretch, None, ("vis", "ir"), meters=meters)(heat_pair(infrared))


def told(pair: FramePair, count: int = 5) -> list[str]:
    return [text for _, text in _numbers(pair, count)]


def test_the_bar_has_all_colours_from_cold_to_hot() -> None:
    palette = named_palette("viridis")
    picture = draw_colour_bar(np.full((480, 640, 1), 200, np.uint8), palette, pair_of(counts_of(RAMP_C)))
    column = next(at for at in range(639, 0, -1) if (picture[:, at] == palette.bgr[255, 0]).all(axis=1).any())
    rows = np.nonzero((picture[:, column] == palette.bgr[255, 0]).all(axis=1))[0]
    bar = picture[rows.min() : rows.min() + 288, column]
    assert np.array_equal(bar[-1], palette.bgr[0, 0])
    assert np.array_equal(bar[144], palette.bgr[127, 0])


@pytest.mark.parametrize("contrast", ["linear", "plateau"])
def test_degrees_are_those_that_pixels_of_the_level_have(contrast: str) -> None:
    rng = np.random.default_rng(2)
    scene_c = 20 + 10 * rng.standard_normal((60, 80)).cumsum(axis=1)
    pair = pair_of(counts_of(scene_c), contrast=contrast)
    levels = pair.infrared.pixels[:, :, 0]
    numbers = dict(zip((0, 64, 128, 191, 255), told(pair), strict=True))
    for level in (64, 128, 191):
        near = scene_c[np.abs(levels.astype(int) - level) <= 3]
        assert float(numbers[level]) == pytest.approx(np.median(near), abs=max(2.0, np.ptp(near)))
    assert numbers[255].endswith("°C")


def test_a_fixed_range_gives_its_own_ends() -> None:
    assert told(pair_of(counts_of(RAMP_C), range_of="28315..32315")) == ["10.0", "20.0", "30.0", "40.0", "50.0°C"]


def test_the_unit_is_that_of_the_thermometer() -> None:
    assert told(pair_of(counts_of(RAMP_C), "fahrenheit", range_of="28315..32315"))[0] == "50.0"
    assert told(pair_of(counts_of(RAMP_C), "kelvin", range_of="28315..32315"))[-1] == "323.2 K"


def test_a_camera_that_shows_what_is_warm_dark_has_the_bar_of_heat() -> None:
    numbers = told(pair_of(counts_of(RAMP_C), range_of="28315..32315", black_hot=True))
    assert numbers[0] == "50.0"  # level 0 stands for the highest count


def test_without_a_thermometer_there_are_counts() -> None:
    assert told(pair_of(counts_of(RAMP_C), None, range_of="28315..32315"), 3) == ["28315", "30315", "32315"]
    assert told(pair_of(np.full((60, 80, 1), 9, np.uint8), None), 2) == ["0", "255"]


def test_no_number_stands_where_none_would_be_right() -> None:
    assert told(pair_of(counts_of(RAMP_C), contrast="clahe")) == []
    assert told(pair_of(np.full((60, 80, 1), 9, np.uint8))) == []  # 8 bit, so the thermometer is blind


def test_degrees_that_no_object_has_are_dashes() -> None:
    pair = pair_of(counts_of(RAMP_C), range_of="-40000..32315")
    assert told(pair)[0] == "--"


def test_a_small_picture_has_a_bar_as_well() -> None:
    pair = dataclasses.replace(pair_of(counts_of(RAMP_C)))
    assert draw_colour_bar(np.zeros((20, 24, 3), np.uint8), named_palette("turbo"), pair).any()
