"""Stills of counts and temperatures made 8 bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from coconet.errors import CoconetError
from coconet.event_log import SaidOnce
from coconet.media.image import InfraredStills
from coconet.media.pixels import RawPixels
from coconet.media.thermal import common_limits, stretched_alone, wanted_limits
from coconet.media.thermal_settings import ThermalSettings

RAMP = np.linspace(20, 40, 600).reshape(20, 30, 1)


@pytest.mark.parametrize(
    ("scale", "offset", "kind"),
    [(1, 0, "float32"), (1, 273.15, "float32"), (100, 0, "int16"), (100, -5000, "int16"), (0.001, 0, "float32")],
)
def test_the_picture_depends_on_neither_unit_nor_sign_of_the_samples(scale: float, offset: float, kind: str) -> None:
    reference = stretched_alone(np.rint(RAMP * 1000).astype(np.uint16), ThermalSettings())
    pixels = stretched_alone((RAMP * scale + offset).astype(kind), ThermalSettings())
    assert np.abs(pixels.astype(int) - reference).max() <= 1


@pytest.mark.parametrize("filler", [np.nan, -9999.0, np.inf, -3.4028235e38])
@pytest.mark.parametrize("black_hot", [False, True])
def test_holes_are_black_and_move_no_limit(filler: float, black_hot: bool) -> None:
    whole = RAMP.astype(np.float32)
    holed = whole.copy()
    holed[5:15, 10:20] = filler
    settings = ThermalSettings(black_hot=black_hot)
    expected = stretched_alone(whole, settings, wanted_limits(np.delete(whole, range(5, 15), axis=0), settings))
    pixels = stretched_alone(holed, settings)
    assert (pixels[5:15, 10:20] == 0).all()
    assert np.abs(pixels[:5].astype(int) - expected[:5]).max() <= 12


def test_values_named_as_no_data_are_holes_in_counts_too() -> None:
    counts = np.full((4, 4, 1), 7000, np.uint16)
    counts[0], counts[1] = 0, 7100
    pixels = stretched_alone(counts, ThermalSettings(0, 100, no_data=(0.0,)))
    assert pixels[:, 0, 0].tolist() == [0, 255, 0, 0]


def test_a_picture_of_holes_alone_is_black_and_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert not stretched_alone(np.full((3, 3, 1), np.nan, np.float32), ThermalSettings()).any()
    assert "without a single measurement" in capsys.readouterr().err


def test_a_stated_range_is_the_same_for_every_picture() -> None:
    settings = ThermalSettings(range_of="10..60")
    pixels = stretched_alone(np.array([[[10.0], [35.0], [60.0], [90.0]]], np.float32), settings)
    assert pixels.ravel().tolist() == [0, 128, 255, 255]


@pytest.mark.parametrize(("text", "told"), [("25..60", False), ("300..320", True), ("-10..0", True)])
def test_a_range_that_no_sample_lies_in_is_told(
    text: str, told: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    stretched_alone(RAMP.astype(np.float32), ThermalSettings(range_of=text))
    assert ("no sample of an infrared picture lies within it" in capsys.readouterr().err) == told


@pytest.mark.parametrize("text", ["9..1", "1..nan", "low..high", "1-2", "..", "1e40..2e40", "each,all"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match=r"range_of must be each, all, follow, or LOW\.\.HIGH"):
        ThermalSettings(range_of=text)


def test_the_limits_of_all_pictures_are_those_of_their_pixels_together() -> None:
    rng = np.random.default_rng(0)
    pictures: list[RawPixels] = [rng.integers(low, low + 500, (20, 30, 1)).astype(np.uint16) for low in (3000, 20000)]
    low, high = np.percentile(np.stack(pictures), [0.5, 99.5], method="inverted_cdf")
    assert common_limits(pictures, ThermalSettings()) == (low, high)
    floats = common_limits([picture.astype(np.float32) for picture in pictures], ThermalSettings())
    assert floats == pytest.approx((low, high), abs=5)
    assert common_limits([np.zeros((2, 2, 1), np.uint8)], ThermalSettings()) is None


def test_a_still_depends_on_neither_order_nor_neighbours(tmp_path: Path) -> None:
    paths = []
    for index, base in enumerate((3000, 20000, 3000)):
        paths.append(tmp_path / f"{index}.tif")
        tifffile.imwrite(paths[-1], (RAMP[:, :, 0] * 50 + base).astype(np.uint16))
    reader = InfraredStills()
    pictures = [reader.levels(path) for path in paths]
    assert all(np.array_equal(pictures[0], picture) for picture in pictures)
    together = InfraredStills(ThermalSettings(range_of="all"), tuple(paths))
    assert together.levels(paths[0]).mean() < 40
    assert together.levels(paths[1]).mean() > 200
