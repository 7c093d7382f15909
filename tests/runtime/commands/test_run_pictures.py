"""coconet run and score on single pictures, which are folders of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.media.image import read_picture, write_picture
from coconet.media.pixels import RawPixels
from coconet.runtime.commands.run import run
from coconet.runtime.commands.score import score
from coconet.runtime.commands.verify import verify
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.sink import PictureSink
from tests.support.media.frames import fused_frame
from tests.support.programs.called import call, complaint_of

SIZE = (48, 64)


def picture(path: Path, level: int, channels: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    write_picture(path, np.full((*SIZE, channels), level, np.uint8))
    return path


def fused(out: Path, visible: Path, infrared: Path) -> RawPixels:
    result = call(run, "--visible", visible, "--infrared", infrared, "--model", "average", "--out", out)
    assert result.exit_code == 0, result.exception
    return read_picture(out)


def test_two_pictures_become_one(tmp_path: Path) -> None:
    day, night = picture(tmp_path / "day.png", 100, 3), picture(tmp_path / "night.jpg", 50)
    assert np.abs(fused(tmp_path / "out.png", day, night).astype(int) - 75).max() <= 1


def test_a_picture_beside_a_folder_belongs_to_the_one_of_its_name(tmp_path: Path) -> None:
    nights = [picture(tmp_path / "ir" / f"{index}.png", 20 * index) for index in range(4)]
    day = picture(tmp_path / "vis" / "2.jpg", 100)
    assert np.abs(fused(tmp_path / "out.png", day, nights[0].parent).astype(int) - 70).max() <= 1
    assert np.abs(fused(tmp_path / "back.png", day.parent, nights[2]).astype(int) - 70).max() <= 1
    words = ["--visible", picture(tmp_path / "9.png", 1), "--infrared", nights[0].parent, "--model", "average"]
    assert "has no picture called like 9.png" in complaint_of(run, *words)


def test_several_pairs_do_not_go_into_one_picture(tmp_path: Path) -> None:
    for index in range(3):
        picture(tmp_path / "ir" / f"{index}.png", 50)
        picture(tmp_path / "vis" / f"{index}.png", 50)
    words = ["--visible", tmp_path / "vis", "--infrared", tmp_path / "ir", "--model", "average"]
    assert "Name a folder, such as fused/" in complaint_of(run, *words, "--out", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()
    assert call(run, *words, "--out", tmp_path / "out.png", "--frames", 1).exit_code == 0
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("option", [("--rotate-mb", "1"), ("--encoder", "libx264"), ("--skip-existing",)])
def test_what_means_nothing_to_a_picture_is_refused(option: tuple[str, ...], tmp_path: Path) -> None:
    words = ["--visible", picture(tmp_path / "a.png", 1), "--infrared", picture(tmp_path / "b.png", 1)]
    assert complaint_of(run, *words, "--out", tmp_path / "o.png", *option).startswith(option[0][:8])


def test_a_picture_that_is_discarded_is_not_written(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "o.png"))
    assert isinstance(sink, PictureSink)
    sink.write(fused_frame(0))
    sink.discard()
    assert not list(tmp_path.iterdir())


def test_a_single_picture_is_scored(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    rng = np.random.default_rng(0)
    paths = [tmp_path / name for name in ("day.png", "night.png", "out.png")]
    for path in paths:
        write_picture(path, rng.integers(0, 256, (*SIZE, 1), np.uint8))
    result = call(score, f"mine={paths[2]}", "--visible", paths[0], "--infrared", paths[1])
    assert result.exit_code == 0, result.exception
    assert "means of 1 picture" in result.stdout


def test_a_command_that_wants_a_folder_of_both_sides_says_which(tmp_path: Path) -> None:
    complaint = complaint_of(verify, "average", "average", "--frames", picture(tmp_path / "a.png", 1))
    assert "is one picture; expected a folder of" in complaint
    assert "Name the folder that it lies in, or the one above that holds both sides." in complaint
