"""Isotherms: which pixels are coloured, of scenes of known temperature, and when none is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coconet.media.pixels import Pixels, RawPixels
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from tests.support.media.heat_scenes import counts_of, disc_c, heat_pair
from tests.support.rigs.looks import frame_to_look_at, shown

RED, BLUE, YELLOW = (40, 60, 255), (255, 125, 47), (30, 200, 255)  # B, G, R of #ff3c28, #2f7dff, #ffc81e


def frame_of(infrared: RawPixels, scheme: dict[str, object] | None, times: int = 1) -> FusedFrame:
    meters = None if scheme is None else Meters(Thermometer(TemperatureTable.model_validate(scheme)))
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("vis", "ir"), meters=meters)
    pair = heat_pair(infrared)
    larger = np.full((infrared.shape[0] * times, infrared.shape[1] * times, 3), 90, np.uint8)
    pair = dataclasses.replace(pair, visible=dataclasses.replace(pair.visible, pixels=larger))
    return FusedFrame(larger, preparation(pair), 1.0)


def where(picture: Pixels, colour: tuple[int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (picture == colour).all(axis=2)
    return found


RAMP_C = np.broadcast_to(np.linspace(0, 80, 80), (60, 80))


def test_degrees_above_below_and_between_are_coloured_and_the_rest_is_gray() -> None:
    frame = frame_of(counts_of(RAMP_C), {"scheme": "lepton"})
    picture = shown(frame, "isotherm", isotherm={"above": 60, "below": 10, "between": [30, 40]})
    told = np.rint((RAMP_C + 273.15) * 100) / 100 - 273.15  # what the counts say
    assert np.array_equal(where(picture, RED), told >= 60)
    assert np.array_equal(where(picture, BLUE), told <= 10)
    assert np.array_equal(where(picture, YELLOW), (told >= 30) & (told <= 40))
    rest = ~(where(picture, RED) | where(picture, BLUE) | where(picture, YELLOW))
    assert (np.ptp(picture[rest], axis=1) == 0).all()


def test_limits_are_in_the_unit_of_the_thermometer() -> None:
    frame = frame_of(counts_of(disc_c()), {"scheme": "lepton", "unit": "fahrenheit"})
    picture = shown(frame, "isotherm", isotherm={"above": 97})  # 36.5 degrees Celsius are 97.7
    assert np.array_equal(where(picture, RED), disc_c() > 30)
    assert not where(shown(frame, "isotherm", isotherm={"above": 98}), RED).any()


def test_colours_lie_where_the_picture_is_laid() -> None:
    frame = frame_of(counts_of(disc_c()), {"scheme": "lepton"}, times=3)
    red = where(shown(frame, "isotherm", isotherm={"above": 30}), RED)
    expected = np.kron(disc_c() > 30, np.ones((3, 3), bool))
    assert red.shape == (180, 240)
    assert (red != expected).mean() < 0.01


def test_counts_are_compared_where_there_is_no_thermometer() -> None:
    counts = counts_of(disc_c())
    picture = shown(frame_of(counts, None), "isotherm", isotherm={"above": 30_000})
    assert np.array_equal(where(picture, RED), counts[:, :, 0] >= 30_000)


def test_pictures_of_8_bits_are_compared_by_percent_of_their_range() -> None:
    picture = shown(frame_to_look_at(), "isotherm", isotherm={"above": 50, "below": 10})
    levels = frame_to_look_at().pair.infrared.pixels[:, :, 0]
    assert np.array_equal(where(picture, RED), levels >= 127.5)
    assert np.array_equal(where(picture, BLUE), levels <= 25.5)


def test_without_a_limit_the_warmest_tenth_of_the_range_is_shown() -> None:
    frame = frame_of(counts_of(RAMP_C), {"scheme": "lepton"})
    assert np.array_equal(where(shown(frame, "isotherm"), RED), frame.pair.infrared.pixels[:, :, 0] >= 229.5)


def test_what_is_hotter_than_the_camera_can_tell_is_above_any_limit_that_it_could() -> None:
    counts = counts_of(disc_c())
    counts[5, 5] = 65535
    frame = frame_of(counts, {"scheme": "lepton", "gain": "high"})
    assert where(shown(frame, "isotherm", isotherm={"above": 100}), RED)[5, 5]
    assert not where(shown(frame, "isotherm", isotherm={"above": 1000}), RED)[5, 5]


def test_pixels_that_measure_nothing_are_gray() -> None:
    counts = counts_of(disc_c())
    counts[30, 40] = 0
    red = where(shown(frame_of(counts, {"scheme": "lepton"}), "isotherm", isotherm={"above": 30}), RED)
    assert not red[30, 40]
    assert red[30, 42]


@pytest.mark.parametrize("unit", ["degrees", "counts"])
def test_without_what_is_to_be_compared_nothing_is_coloured_and_the_picture_says_so(unit: str) -> None:
    frame = frame_of(np.full((60, 80, 1), 50, np.uint8), {"scheme": "lepton"})
    picture = shown(frame, "isotherm", isotherm={"above": 1, "unit": unit})
    assert not where(picture, RED).any()
    assert (np.ptp(picture[:12], axis=2) > 0).any()  # the badge
