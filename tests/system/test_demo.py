"""coconet demo: what it leaves in its folder."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Event

import pytest
import typer
from typer.testing import CliRunner

from coconet.commands.__main__ import Stopped
from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.runtime.commands.demo import FPS, demo, run_demo
from coconet.runtime.loop.pipeline import Ending
from tests.support.media.frames import frames_in_video
from tests.support.models.tiny_onnx import write_averaging_model


def test_the_demo_leaves_a_video_a_picture_and_a_report(tmp_path: Path) -> None:
    report, files = run_demo(tmp_path / "a" / "demo", write_averaging_model(tmp_path / "tiny.onnx"), seconds=0.4)
    assert frames_in_video(files.video) == report.fused == round(0.4 * FPS)
    assert read_picture(files.picture).shape == (480 + 24, 3 * 640 + 8, 3)
    told = files.report.read_text()
    assert f"{report.fused} frames in" in told
    assert "](demo.png)" in told
    page = files.page.read_text()
    assert f"{report.fused} frames in" in page
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == {"demo.png", "fused.mp4"}


def test_the_command_says_where_the_files_are(tmp_path: Path) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(demo)
    words = ["--out", str(tmp_path), "--model", "average", "--seconds", "0.1"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    told = result.stdout.split("\n")
    assert [
        name for name in ("fused.mp4", "demo.png", "report.md", "demo.html") if str(tmp_path / name) not in told
    ] == []


def test_what_opens_is_the_page_with_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("coconet.runtime.commands.demo.open_page", opened.append)
    demo(tmp_path, "average", 0.1, opens=True)
    assert opened == [tmp_path / "demo.html"]


def test_the_picture_shows_one_moment_with_both_cameras(tmp_path: Path) -> None:
    _, files = run_demo(tmp_path, "maximum", seconds=0.2)
    panel = read_picture(files.picture)[24:].astype(int)
    infrared, visible, fused = panel[:, :640], panel[:, 644:1284], panel[:, 1288:]
    luma = [picture @ [0.114, 0.587, 0.299] for picture in (infrared, visible, fused)]
    unclipped = fused.max(axis=2) < 255
    assert abs(luma[2] - [luma[0], luma[1]]).min(axis=0)[unclipped].max() <= 1.0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CoconetError, match="fused.mp4 cannot be written: .*file is not a folder"):
        run_demo(tmp_path / "file", "average", seconds=0.1)


def test_a_missing_model_leaves_no_video(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx"):
        run_demo(tmp_path / "demo", tmp_path / "gone.onnx", seconds=0.1)
    assert not (tmp_path / "demo").exists()


def test_a_demo_stopped_before_its_first_frame_is_no_fault(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        run_demo(tmp_path / "demo", "average", seconds=0.2, ending=Ending(stop=stop))
