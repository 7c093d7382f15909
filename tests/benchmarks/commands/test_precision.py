"""The precision table, on a small U-Net in the forms that the command makes of a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coconet.benchmarks.commands.precision import precision
from coconet.benchmarks.studies.precision import (
    Form,
    FrameSet,
    PrecisionRow,
    command,
    precision_json,
    precision_markdown,
    precision_rows,
)
from coconet.calibration.commands.calibrate import calibrate
from coconet.export.commands.export import export
from coconet.runtime.backends.open_backend import open_backend
from tests.support.media.frames import pair_of
from tests.support.media.pair_folders import textured_pairs
from tests.support.media.textured import textured
from tests.support.models.small_unet import write_unet
from tests.support.programs.called import complaint_of


def frames(count: int) -> FrameSet:
    pictures = [(textured(kind, 64, 80), textured(kind + 4, 64, 80)) for kind in range(count)]
    return FrameSet("scenes", [pair_of(*sides, kind, f"{kind}.png") for kind, sides in enumerate(pictures)])


@pytest.fixture
def rows(tmp_path: Path) -> list[PrecisionRow]:
    single, half = write_unet(tmp_path / "unet.onnx"), write_unet(tmp_path / "half.onnx", half=True)
    forms = [Form("unet", "FP32", single), Form("unet", "FP16", half)]
    return precision_rows(open_backend(single), forms, [frames(2)])


def test_a_form_is_held_against_the_reference_on_every_frame(rows: list[PrecisionRow]) -> None:
    same, half = rows
    assert (same.psnr_db, same.frames) == (float("inf"), "scenes (2)")
    assert same.ssim == pytest.approx(1.0)
    assert set(same.changes.values()) == {0.0}
    assert 40 < half.worst_psnr_db <= half.psnr_db < 100
    assert half.size_bytes < same.size_bytes


def test_the_table_is_markdown_and_the_json_has_no_infinity(rows: list[PrecisionRow]) -> None:
    lines = precision_markdown(rows).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("| network | form | MB | frames | PSNR, dB | worst | SSIM | EN |")
    assert len({line.count("|") for line in lines}) == 1
    plain = json.loads(precision_json(rows))
    assert [row["psnr_db"] is None for row in plain["rows"]] == [True, False]


def test_its_commands_are_announced() -> None:
    assert (command("export"), command("calibrate")) == (export, calibrate)


def test_one_video_alone_is_refused(tmp_path: Path) -> None:
    textured_pairs(tmp_path, 1)
    words = ("lite", "--calibrate-on", tmp_path, "--frames", tmp_path, "--visible", "a.mp4")
    assert "--visible and --infrared have to be given together" in complaint_of(precision, *words)
