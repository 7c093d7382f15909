"""Temperatures from Python."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import coconet
from tests.support.media.heat_scenes import counts_of, disc_c


def test_counts_become_degrees_and_readings() -> None:
    counts = counts_of(disc_c())
    meters: list[dict[str, Any]] = [
        {"name": "hot", "kind": "hottest"},
        {"name": "corner", "kind": "spot", "points_px": [[0, 0]]},
    ]
    heat = coconet.measure(counts[:, :, 0], {"scheme": "lepton", "unit": "fahrenheit"}, meters)
    assert [one.value for one in heat.readings] == [pytest.approx(97.7, abs=0.01), pytest.approx(68, abs=0.01)]
    assert heat.temperatures is not None
    assert heat.temperatures == pytest.approx(disc_c() * 9 / 5 + 32, abs=0.01)


@pytest.mark.parametrize(
    ("counts", "temperature", "said"),
    [
        (np.zeros((4, 4), np.uint8), {"scheme": "lepton"}, "counts must be a numpy array of uint16 or float32"),
        (np.zeros((4, 4, 3), np.uint16), {"scheme": "lepton"}, "counts has shape"),
        (np.zeros((0, 4), np.uint16), {"scheme": "lepton"}, "counts has shape"),
        ([[1, 2]], {"scheme": "lepton"}, "not a list"),
        (np.zeros((4, 4), np.uint16), {"scheme": "lepto"}, "measure, temperature.scheme must be 'linear'"),
        (np.zeros((4, 4), np.uint16), {}, "measure, temperature.scheme is missing"),
    ],
)
def test_what_does_not_fit_is_refused(counts: Any, temperature: dict[str, Any], said: str) -> None:
    with pytest.raises(coconet.CoconetError, match=said):
        coconet.measure(counts, temperature)


def test_a_polygon_without_opencv_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    meter = {"name": "roof", "kind": "polygon", "points_px": [[0, 0], [3, 0], [3, 3]]}
    with pytest.raises(coconet.MissingPackage, match=r"^cv2 is not installed in this Python, .*headless"):
        coconet.measure(np.full((8, 8), 29315, np.uint16), {"scheme": "lepton"}, [meter])


def test_two_meters_of_one_name_are_refused() -> None:
    meters = [{"name": "door", "kind": "hottest"}, {"name": "door", "kind": "coldest"}]
    counts = np.full((8, 8), 29315, np.uint16)
    with pytest.raises(coconet.CoconetError, match="meters has two called door"):
        coconet.measure(counts, {"scheme": "lepton"}, meters)
