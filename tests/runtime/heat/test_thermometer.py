"""Counts become the degrees that independent formulas give, or no number."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from tests.support.media.flir_jpeg import PLANCK, write_flir_jpeg
from tests.support.media.heat_scenes import counts_of, disc_c

E40 = {"scheme": "planck", "planck": PLANCK}


def row(*counts: float, kind: type = np.uint16) -> RawPixels:
    """One line of a picture."""
    return np.array(counts, kind).reshape(1, -1, 1)


def celsius(pixels: RawPixels, **settings: Any) -> list[float]:
    return [float(one) for one in Thermometer(TemperatureTable(**settings)).measure(pixels).celsius.ravel()]


@pytest.mark.parametrize(
    ("settings", "count", "wanted"),
    [
        ({"scheme": "lepton"}, 29315, 20.0),
        ({"scheme": "lepton"}, 2931, 19.95),
        ({"scheme": "lepton", "gain": "low"}, 29315, 2658.35),
        ({"scheme": "lepton", "gain": "high"}, 2931, -243.84),
        ({"scheme": "boson"}, 37315, 100.0),
        ({"scheme": "boson", "kelvin_per_count": [0.02, 0.2]}, 18657, 99.99),
        ({"scheme": "tau"}, 7329, 20.01),
        ({"scheme": "tau"}, 1683, 400.05),
        ({"scheme": "kelvin-64"}, 18762, 20.00625),
        ({"scheme": "kelvin-64"}, 4690, 19.975),
        ({"scheme": "linear", "scale": 0.04, "offset": -273.15}, 7500, 26.85),
        ({"scheme": "linear", "scale": -0.01, "offset": 100}, 5000, 50.0),
        ({"scheme": "table", "table": [[1000, 0], [2000, 50], [4000, 100]]}, 3000, 75.0),
    ],
)
def test_each_scheme_gives_the_degrees_of_its_definition(settings: dict[str, Any], count: int, wanted: float) -> None:
    assert celsius(row(count, count), **settings) == pytest.approx([wanted] * 2, abs=1e-4)
    assert celsius(row(count, count, kind=np.float32), **settings) == pytest.approx([wanted] * 2, abs=2e-3)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"emissivity": 0.95},
        {"emissivity": 0.7, "reflected_c": 40.0},
        {"emissivity": 0.9, "distance_m": 10.0, "atmosphere_c": 30.0, "humidity_percent": 80.0},
        {"distance_m": 200.0, "atmosphere_c": -10.0, "humidity_percent": 20.0},
    ],
)
def test_planck_with_emissivity_and_air_agrees_with_flyr(tmp_path: Path, told: dict[str, float]) -> None:
    flyr = pytest.importorskip("flyr")
    counts = np.linspace(14_000, 24_000, 48 * 64).reshape(48, 64).astype(np.uint16)
    plain = np.zeros((48, 64, 3), np.uint8)
    file = write_flir_jpeg(tmp_path / "one.jpg", counts, plain, plain)
    names = {
        "emissivity": ("emissivity", told.get("emissivity", 1.0)),
        "reflected_c": ("reflected_apparent_temperature", told.get("reflected_c", 20.0) + 273.15),
        "atmosphere_c": ("atmospheric_temperature", told.get("atmosphere_c", 20.0) + 273.15),
        "distance_m": ("object_distance", told.get("distance_m", 0.0)),
        "humidity_percent": ("relative_humidity", told.get("humidity_percent", 50.0) / 100),
    }
    theirs = flyr.unpack(io.BytesIO(file.read_bytes())).adjust_metadata(**dict(names.values())).celsius
    ours = Thermometer(TemperatureTable.model_validate(E40 | told)).measure(counts[:, :, None]).celsius
    assert float(np.abs(ours - theirs).max()) < 0.01


def band_radiance(kelvin: float) -> float:
    """Planck's law (CODATA constants), integrated from 8 to 14 um."""
    first, second = 3.741771852e8, 1.438776877e4  # W um^4 / m^2, um K
    return float(quad(lambda um: first / (um**5 * (np.exp(second / (um * kelvin)) - 1)), 8, 14)[0])


@pytest.mark.parametrize("object_c", [-10.0, 36.5, 80.0, 120.0])
def test_emissivity_of_a_linear_camera_agrees_with_plancks_law_over_the_band(object_c: float) -> None:
    seen = 0.95 * band_radiance(object_c + 273.15) + 0.05 * band_radiance(293.15)
    apparent_k = brentq(lambda kelvin: band_radiance(kelvin) - seen, 150, 600)
    count = round(apparent_k * 100)
    found = celsius(row(count), scheme="lepton", gain="high", emissivity=0.95, reflected_c=20.0)
    assert found == pytest.approx([object_c], abs=0.15)


def test_what_is_no_measurement_gets_no_number_and_what_is_beyond_the_limits_is_said() -> None:
    found = Thermometer(TemperatureTable(scheme="lepton", gain="high"), no_data=(7.0,)).measure(
        row(0, 7, 29315, 65535), np.array([9])
    )
    assert np.isnan(found.celsius[0]).tolist() == [True, True, False, True]
    assert found.over is not None
    assert found.over[0].tolist() == [False, False, False, True]
    assert found.under is None
    assert found.hottest_c == pytest.approx(382.19, abs=1e-4)


def test_the_limits_of_a_14_bit_camera_are_those_the_rig_names() -> None:
    found = Thermometer(TemperatureTable(scheme="tau", valid_counts=(5000, 16382))).measure(row(4999, 7329, 16383))
    assert found.over is not None
    assert found.under is not None
    assert (found.over[0].tolist(), found.under[0].tolist()) == ([False, False, True], [True, False, False])
    assert [found.coldest_c, found.hottest_c] == pytest.approx([-73.15, 382.13])


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_what_a_table_does_not_reach_is_beyond_it(kind: type) -> None:
    table = TemperatureTable(scheme="table", table=((1000, 90.0), (2000, 10.0)))  # falls with warmth
    found = Thermometer(table).measure(row(900, 1500, 2100, kind=kind))
    assert found.over is not None
    assert found.under is not None
    assert found.celsius[0, 1] == pytest.approx(50)
    assert (found.over[0].tolist(), found.under[0].tolist()) == ([True, False, False], [False, False, True])
    assert (found.coldest_c, found.hottest_c) == (10, 90)


def test_an_object_colder_than_its_reflection_allows_has_no_number() -> None:
    found = Thermometer(TemperatureTable(scheme="lepton", emissivity=0.1, reflected_c=50)).measure(row(24000, 32315))
    assert found.under is not None
    assert found.under[0].tolist() == [True, False]


def test_dead_pixels_of_the_rig_and_those_found_give_no_number() -> None:
    pixels = counts_of(disc_c())
    pixels[3, 2] = pixels[8, 5] = 65535
    settings = TemperatureTable(scheme="lepton", dead_px=((2, 3), (1000, 1000)))
    found = Thermometer(settings).measure(pixels, np.array([8 * 80 + 5]))
    assert np.argwhere(np.isnan(found.celsius)).tolist() == [[3, 2], [8, 5]]
    assert found.over is None


def test_a_gain_switch_is_told_by_the_picture_itself() -> None:
    thermometer = Thermometer(TemperatureTable(scheme="lepton"))
    high, low = thermometer.measure(counts_of(disc_c())), thermometer.measure(counts_of(disc_c(), 10))
    assert float(np.abs(high.celsius - disc_c()).max()) <= 0.005 + 1e-4
    assert float(np.abs(low.celsius - disc_c()).max()) <= 0.05 + 1e-4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scheme": "linear", "gain": "low"}, "gain does not apply"),
        ({"scheme": "planck"}, "planck"),
        ({"scheme": "lepton", "table": [[1, 2], [3, 4]]}, "table"),
        ({"scheme": "table", "table": [[1, 2]]}, "two rows"),
        ({"scheme": "table", "table": [[1, 2], [2, 3], [3, 1]]}, "all rise or all fall"),
        ({"scheme": "linear", "scale": 0}, "scale must not be 0"),
        ({"scheme": "lepton", "valid_counts": [9, 9]}, "a low and a higher"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(CoconetError, match=said):
        TemperatureTable(**settings)
