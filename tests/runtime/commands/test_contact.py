"""Comparison sheets: which scenes, which order, which sizes; and coconet contact as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.media.panel import BAND_PX, GAP_PX
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.commands.contact import contact, folder_scenes, fused_sheet, moments
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat, write_folder, write_video

MODELS = [("average", BaselineBackend("average")), ("maximum", BaselineBackend("maximum"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pairs, a, b and c, of unlike size; infrared 0, visible 100, 110 and 120 in colour."""
    for place, name in enumerate("abc"):
        width = 60 + place
        write_pair(tmp_path, f"{name}.png", flat(100 + 10 * place, width, 40), flat(0, width, 40, 1))
    return tmp_path


@pytest.fixture
def videos(tmp_path: Path) -> tuple[str, str]:
    """Two videos of one second at 10 frames a second, whose level is ten times the frame's number."""
    clip = [flat(10 * number, 64, 48) for number in range(10)]
    return str(write_video(tmp_path / "vis.mkv", clip, fps=10)), str(write_video(tmp_path / "ir.mkv", clip, fps=10))


def cell(sheet: Pixels, row: int, column: int, size: tuple[int, int]) -> Pixels:
    """The picture without its caption, where all have one (height, width)."""
    top, left = row * (BAND_PX + size[0]) + BAND_PX, column * (size[1] + GAP_PX)
    return sheet[top : top + size[0], left : left + size[1]]


def test_rows_are_scenes_and_columns_are_infrared_visible_and_the_models(folder: Path) -> None:
    sheet = fused_sheet(folder_scenes(folder, ["a"]), MODELS, 4 * 60 + 3 * GAP_PX)
    assert sheet.shape == (BAND_PX + 40, 4 * 60 + 3 * GAP_PX, 3)
    assert [np.unique(cell(sheet, 0, column, (40, 60))).tolist() for column in range(4)] == [[0], [100], [50], [100]]


def test_scenes_of_unlike_size_get_columns_of_one_width(folder: Path) -> None:
    sheet = fused_sheet(folder_scenes(folder), MODELS, 200)
    assert sheet.shape[1] == 4 * 47 + 3 * GAP_PX <= 200
    heights = [round(40 * 47 / width) for width in (60, 61, 62)]
    assert sheet.shape[0] == sum(heights) + 3 * BAND_PX


def test_chosen_pairs_come_in_the_folder_s_order(folder: Path) -> None:
    assert [scene.name for scene in folder_scenes(folder, ["c", "a"])] == ["a", "c"]


def test_a_pair_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(CoconetError, match="has no pairs called a.png, d; the first of its 3 pairs is a"):
        folder_scenes(folder, ["a.png", "b", "d"])


def test_a_moment_is_the_first_pair_at_or_after_a_time(videos: tuple[str, str]) -> None:
    scenes = moments(*videos, [0.75, 0.0, 0.5])
    assert [scene.name for scene in scenes] == ["0.00 s", "0.50 s", "0.80 s"]
    assert [round(scene.pair.visible.pixels.mean(), -1) for scene in scenes] == [0, 50, 80]


def test_two_times_that_one_pair_answers_are_one_scene(videos: tuple[str, str]) -> None:
    assert [scene.name for scene in moments(*videos, [0.31, 0.32, 0.32])] == ["0.40 s"]


def test_a_time_after_the_end_is_refused(videos: tuple[str, str]) -> None:
    with pytest.raises(CoconetError, match=r"vis\.mkv ends before 3 s"):
        moments(*videos, [0.1, 3.0])


def test_time_begins_with_the_first_pair(tmp_path: Path) -> None:
    visible, infrared = (
        str(write_folder(tmp_path / side, [flat(n, channels=1) for n in range(5)])) for side in ("v", "i")
    )
    assert [scene.pair.visible.index for scene in moments(visible, infrared, [0.0, 0.1])] == [0, 3]


def test_a_sheet_without_room_for_its_columns_is_refused(folder: Path) -> None:
    with pytest.raises(CoconetError, match="has no room for 4 columns in a width of 15 pixels"):
        fused_sheet(folder_scenes(folder), MODELS, 15)


def test_every_fused_picture_is_reported(folder: Path) -> None:
    calls: list[int] = []
    fused_sheet(folder_scenes(folder), MODELS, 200, lambda: calls.append(1))
    assert len(calls) == 6


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
    with pytest.raises(CoconetError, match="scenes cannot be taken from|scenes are not named"):
        coconet_contact("average", *words, "--out", tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "got"), [("sheet.pdf", r"has the ending \.pdf"), ("sheet", "has no ending")])
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


def test_a_sheet_that_few_programs_could_open_is_refused_before_anything_is_fused(tmp_path: Path) -> None:
    write_pair(tmp_path, "thin.png", np.zeros((5000, 1, 3), np.uint8), np.zeros((5000, 1, 1), np.uint8))
    with pytest.raises(CoconetError, match="would have 1920x.*more than 134 million"):
        fused_sheet(folder_scenes(tmp_path), MODELS, 1920)
