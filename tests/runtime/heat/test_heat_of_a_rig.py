"""Temperatures of a whole rig: read from the counts of its files, whatever is made a picture of them afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coconet
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.heat_scenes import COOL_C, WARM_C, counts_of, disc_c
from tests.support.rigs.heat_rig import heat_rig


@pytest.mark.parametrize("more", ["", "black_hot = true", 'range_of = "29000..29100"'])
def test_each_pair_carries_its_own_readings_whatever_the_picture_shows(tmp_path: Path, more: str) -> None:
    with coconet.open_rig(heat_rig(tmp_path, [counts_of(disc_c()), counts_of(disc_c(40.25))], more)) as pairs:
        heats = [pair.heat for pair in pairs]
    read = [[one.value for one in heat.readings] for heat in heats if heat is not None]
    assert read == [pytest.approx([WARM_C, COOL_C]), pytest.approx([40.25, COOL_C])]
    assert heats[0] is not None
    assert heats[0].temperatures is not None
    assert heats[0].temperatures.shape == (60, 80)


def test_an_8_bit_rig_has_meters_without_numbers(tmp_path: Path) -> None:
    file = heat_rig(tmp_path, [np.full((60, 80), 90, np.uint8)])
    with coconet.open_rig(file) as pairs:
        (pair,) = list(pairs)
    assert pair.heat is not None
    assert (pair.heat.temperatures, "8 bit" in pair.heat.readings[0].blind) == (None, True)


def test_without_a_thermometer_a_pair_has_the_counts_and_no_heat(tmp_path: Path) -> None:
    rig = Rig.from_file(heat_rig(tmp_path, [counts_of(disc_c())]))
    plain = rig.model_copy(update={"meter": (), "infrared": rig.infrared.model_copy(update={"temperature": None})})
    with open_rig(plain) as pairs:
        (pair,) = list(pairs)
    assert pair.heat is None
    assert pair.raw_infrared is not None
    assert pair.raw_infrared.pixels.dtype == np.uint16
    assert pair.infrared.pixels.dtype == np.uint8
