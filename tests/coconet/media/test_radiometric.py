"""Radiometric JPEG: the temperatures and the visible picture inside are the pair; without a library it is said."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coconet.calibration.int8.frame_source import FolderSource
from coconet.errors import CoconetError, MissingPackage
from coconet.installation.remedy import remedy_for
from coconet.media.image import InfraredStills, read_visible
from coconet.media.pairs import pair_by_name
from coconet.media.palettes.palette import palette_colours
from coconet.media.radiometric import read_thermogram
from coconet.runtime.commands.verify import verify
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.rig.sample_frames import RigFrames
from tests.support.media.flir_jpeg import counts_of, write_flir_jpeg
from tests.support.programs.called import call

CELSIUS = np.add.outer(np.linspace(10, 30, 24), np.linspace(0, 10, 32))
VISIBLE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
SHOWN = palette_colours("ironbow")[(CELSIUS * 6).astype(np.uint8)][:, :, ::-1].astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "x").mkdir()
    return write_flir_jpeg(tmp_path / "x" / "FLIR0001.jpg", counts_of(CELSIUS), SHOWN, VISIBLE)


def test_temperatures_are_those_that_were_seen(file: Path) -> None:
    pytest.importorskip("flyr")
    samples = InfraredStills().samples(file)
    assert samples.dtype == np.float32
    assert np.abs(samples[:, :, 0] - CELSIUS).max() < 0.1


def test_the_visible_picture_inside_is_the_other_side_of_the_pair(file: Path) -> None:
    pytest.importorskip("flyr")
    assert np.array_equal(read_visible(file)[:, :, ::-1], VISIBLE)
    assert [(one.visible, one.infrared) for one in pair_by_name(file.parent, file.parent)] == [(file, file)]


def test_emissivity_and_distance_stand_in_the_card(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("flyr")
    write_flir_jpeg(file, counts_of(CELSIUS), SHOWN, VISIBLE, emissivity=0.95)
    for side in ("vis", "ir"):
        (tmp_path / side).mkdir()
        (tmp_path / side / file.name).write_bytes(file.read_bytes())
    rig = Rig.from_addresses(tmp_path / "vis", tmp_path / "ir")
    for front_end in (FolderSource(tmp_path).front_end(), RigFrames(rig).front_end()):
        assert front_end is not None
        assert front_end.raw_counts
        assert front_end.emissivity == pytest.approx(0.95)
        assert front_end.distance_m == 0


def test_without_the_library_the_picture_is_taken_and_it_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "flyr", None)
    assert InfraredStills().samples(file).dtype == np.uint8
    assert remedy_for("radiometric") in capsys.readouterr().err.replace("\n", " ")


def test_without_the_library_what_a_file_shows_is_not_fused_with_itself(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "flyr", None)
    for given in (file, file.parent):
        with pytest.raises(MissingPackage, match="both pictures of a radiometric JPEG"):
            pair_by_name(given, given)


def test_models_are_held_against_each_other_on_radiometric_files(file: Path) -> None:
    """With a folder of them, and with one file of it."""
    pytest.importorskip("flyr")
    pytest.importorskip("scipy")
    for given in (file.parent, file):
        result = call(verify, "average", "average", "--frames", given)
        assert result.exit_code == 0, result.exception
        assert "frames            1" in result.stdout


def test_damaged_temperatures_are_refused_in_words(file: Path) -> None:
    pytest.importorskip("flyr")
    data = file.read_bytes()
    file.write_bytes(data.replace(b"FFF\0MTX", b"\xff" * 7))
    file.write_bytes(data[: data.index(b"FFF\0") + 64] + bytes(96) + data[data.index(b"FFF\0") + 160 :])
    with pytest.raises(CoconetError, match="is a radiometric JPEG whose temperatures are damaged"):
        read_thermogram(file)


def test_a_file_of_dji_is_taken_as_shown_and_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[0x10F] = "DJI"
    jpeg = io.BytesIO()
    Image.fromarray(SHOWN).save(jpeg, "JPEG", exif=exif)
    thermal = b"\xff\xe3" + (60000).to_bytes(2, "big") + bytes(59998)
    (tmp_path / "DJI_0001_T.jpg").write_bytes(jpeg.getvalue()[:2] + thermal + jpeg.getvalue()[2:])
    assert InfraredStills().samples(tmp_path / "DJI_0001_T.jpg").shape == (24, 32, 1)
    assert "radiometric JPEG of DJI" in capsys.readouterr().err.replace("\n", " ")
