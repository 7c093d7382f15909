"""The front end that a model was calibrated behind, held against that of the rig it runs on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coconet.calibration.commands.calibrate import calibrate
from coconet.calibration.int8.ranges import read_ranges
from coconet.cards.model_card import FrontEnd
from coconet.files import sha256_of
from coconet.runtime.commands.run import run
from coconet.runtime.loop.run import front_end_warning
from tests.support.media.pair_folders import spotted_pairs
from tests.support.models.small_unet import write_unet
from tests.support.programs.called import call

RAW = FrontEnd(raw_counts=True)


@pytest.mark.parametrize(
    ("here", "calibrated", "told"),
    [
        (replace(RAW, contrast="clahe"), RAW, "contrast = clahe (calibrated with linear)"),
        (replace(RAW, agc_percentiles=(2.0, 98.0)), RAW, "agc_percentiles = [2.0, 98.0] (calibrated with [0.5, 99.5])"),
        (RAW, FrontEnd(), "raw_counts = true (calibrated with false)"),
        (FrontEnd(black_hot=True), FrontEnd(), "black_hot = true (calibrated with false)"),
    ],
)
def test_what_differs_is_named_with_both_values(here: FrontEnd, calibrated: FrontEnd, told: str) -> None:
    assert f"differs: {told}; INT8 ranges may not fit" in front_end_warning(here, calibrated)


@pytest.mark.parametrize(
    ("here", "calibrated"),
    [
        (RAW, RAW),
        (RAW, None),
        (replace(RAW, plateau_percent=5.0), RAW),  # which the contrast linear does not use
        (FrontEnd(contrast="clahe"), FrontEnd()),  # which 8 bit pictures do not go through
    ],
)
def test_what_does_not_show_in_pictures_is_not_told(here: FrontEnd, calibrated: FrontEnd | None) -> None:
    assert front_end_warning(here, calibrated) == ""


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that was calibrated on 8 bit pictures, and the pictures."""
    folder = tmp_path_factory.mktemp("calibrated")
    spotted_pairs(folder / "frames", 3)
    result = call(calibrate, write_unet(folder / "unet.onnx"), "--frames", folder / "frames")
    assert result.exit_code == 0, result.exception
    return folder


def stderr_of_run(folder: Path, front_end: str) -> str:
    addresses = ('address = "frames/vis"', f'address = "frames/ir"\n{front_end}')
    (folder / "rig.toml").write_text("[visible]\n{}\n[infrared]\n{}\n".format(*addresses))
    result = call(run, folder / "rig.toml", "--model", folder / "unet.int8.onnx")
    assert result.exit_code == 0, result.exception
    return result.stderr


def test_a_run_behind_another_front_end_is_warned_once_and_one_behind_the_same_is_not(calibrated: Path) -> None:
    record = read_ranges(calibrated / "unet.int8.ranges.json", sha256_of(calibrated / "unet.onnx")).record
    assert record.front_end == FrontEnd()
    assert stderr_of_run(calibrated, "black_hot = true").count("black_hot = true (calibrated with false)") == 1
    assert "front end" not in stderr_of_run(calibrated, "")
