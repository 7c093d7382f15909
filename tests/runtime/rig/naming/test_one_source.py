"""One source that is named for both cameras is found under whatever names, and refused where it would tell 0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coconet.calibration.commands.align import align
from coconet.calibration.commands.offset import offset
from coconet.runtime.commands.init import init
from coconet.runtime.commands.record import record
from coconet.runtime.commands.run import run
from coconet.runtime.rig.naming.one_source import one_source
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import noisy_video
from tests.support.programs.called import call, complaint_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a video, its copy, a link to it, and another one."""
    monkeypatch.chdir(tmp_path)
    noisy_video(tmp_path / "day.mp4", 8)
    shutil.copy("day.mp4", "copy.mp4")
    (tmp_path / "link.mp4").symlink_to("day.mp4")
    noisy_video(tmp_path / "night.mp4", 7)
    return tmp_path


@pytest.mark.parametrize("other", ["day.mp4", "./day.mp4", "link.mp4", "copy.mp4"])
@pytest.mark.parametrize("command", [init, align, offset])
def test_what_finds_how_two_cameras_lie_refuses_one(place: Path, command: Callable[..., Any], other: str) -> None:
    assert "cannot be both cameras: one video is given for both sides" in complaint_of(command, "day.mp4", other)
    assert not (place / "rig.toml").exists()


def test_what_fuses_or_records_one_video_for_both_says_so(place: Path) -> None:
    for other in ("day.mp4", "copy.mp4"):
        ended = call(run, "day.mp4", other, "average", "--frames", 1)
        assert ended.exit_code == 0
        assert "one video is given for both sides" in " ".join(ended.stderr.split())
    ended = call(record, "day.mp4", "link.mp4", "--out", "night")
    assert "one video is given for both sides" in " ".join(ended.stderr.split())


def test_what_stands_for_both_sides_is_not_one_source(place: Path) -> None:
    (place / "set").mkdir()
    for both in (("day.mp4", "night.mp4"), ("set", "set"), ("synthetic://?fps=9", "synthetic://?fps=9")):
        assert one_source(Rig.from_addresses(*both)) == ""
    assert one_source(Rig.from_addresses("gone.mp4", "gone.mp4")) == ""  # that it is gone is said first
    same = one_source(Rig.from_addresses("rtsp://me:secret@cam/1", "rtsp://me:secret@cam/1"))
    assert same == "rtsp://***@cam/1: one camera is given for both sides"
