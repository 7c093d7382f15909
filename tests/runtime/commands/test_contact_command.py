"""coconet contact as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.media.panel import BAND_PX, GAP_PX
from coconet.runtime.commands.contact import contact
from tests.support.recordings import flat, write_folder, write_video

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(contact)


def coconet_contact(*words: object) -> None:
    result = CliRunner().invoke(APP, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_folder(tmp_path / "vis", [flat(100)] * 3)
    write_folder(tmp_path / "ir", [flat(20, channels=1)] * 3)
    return tmp_path


def test_a_folder_becomes_a_sheet(pairs: Path) -> None:
    coconet_contact("average", "pyramid", "--frames", pairs, "--out", pairs / "sheet.png", "--width", 140)
    assert read_picture(pairs / "sheet.png").shape == (3 * (BAND_PX + 24), 4 * 32 + 3 * GAP_PX, 3)


def test_a_choice_of_pairs_makes_fewer_rows(pairs: Path) -> None:
    words = ("--only", "0000", "--only", "0002", "--width", 104)
    coconet_contact("average", "--frames", pairs, *words, "--out", pairs / "sheet.png")
    assert read_picture(pairs / "sheet.png").shape[0] == 2 * (BAND_PX + 24)


def test_moments_of_two_videos_become_a_sheet(tmp_path: Path) -> None:
    clip = [write_video(tmp_path / name, [flat(50, 64, 48)] * 6, fps=10) for name in ("vis.mp4", "ir.mp4")]
    words = ("--visible", clip[0], "--infrared", clip[1], "--at", 0.2, "--at", 0.4, "--width", 200)
    coconet_contact("maximum", *words, "--out", tmp_path / "sheet.jpg")
    assert read_picture(tmp_path / "sheet.jpg").shape == (2 * (BAND_PX + 48), 3 * 64 + 2 * GAP_PX, 3)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--visible", "a.mp4", "--infrared", "b.mp4"],
        ["--visible", "a.mp4", "--at", "1"],
        ["--frames", "pairs", "--at", "1"],
        ["--visible", "a.mp4", "--infrared", "b.mp4", "--at", "1", "--only", "x"],
    ],
)
def test_half_a_choice_of_scenes_is_refused(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(CoconetError, match="wanted --frames with or without --only, or all of --visible, --infrared"):
        coconet_contact("average", *words, "--out", tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "got"), [("sheet.pdf", r"got \.pdf"), ("sheet", "got no ending")])
def test_a_format_that_cannot_be_written_is_refused_before_anything_is_opened(
    tmp_path: Path, name: str, got: str
) -> None:
    with pytest.raises(CoconetError, match=got):
        coconet_contact("gone.onnx", "--frames", tmp_path, "--out", tmp_path / name)


def test_a_sheet_into_a_missing_folder_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="Create the folder first"):
        coconet_contact("gone.onnx", "--frames", tmp_path, "--out", tmp_path / "no" / "sheet.png")


@pytest.mark.data
def test_real_pairs_of_odd_and_unlike_sizes_share_a_sheet(tmp_path: Path, data: Path) -> None:
    words = ("--only", "TNO_001", "--only", "TNO_026", "--width", 300)
    coconet_contact("average", "--frames", data / "tno", *words, "--out", tmp_path / "sheet.png")
    assert read_picture(tmp_path / "sheet.png").shape[1] <= 300
