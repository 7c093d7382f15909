"""coconet run on recordings that are damaged: it stops at the damage, or leaves it out and says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.commands.run import run
from tests.support.media.moving_video import holed, moving_video
from tests.support.media.raw_video import VideoForm, write_raw_video
from tests.support.programs.called import call, complaint_of

pytestmark = pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "day.ts").write_bytes(holed(moving_video()))
    night = [np.full((120, 160), level, np.uint8) for level in range(100)]
    write_raw_video(tmp_path / "night.mkv", night, VideoForm("ffv1", "gray", "gray"))
    sides = ["--visible", str(tmp_path / "day.ts"), "--infrared", str(tmp_path / "night.mkv")]
    return [*sides, "--model", "average", "--out", str(tmp_path / "fused.mp4")]


def test_a_run_stops_at_a_damaged_frame_and_says_which(words: list[str], tmp_path: Path) -> None:
    complaint = complaint_of(run, *words)
    assert re.search(r"day\.ts is damaged in frame 2\d*, at \d\.\d\d s \(the decoder finds errors in it\)\.", complaint)
    assert "--on-error skip" in complaint
    assert not (tmp_path / "fused.mp4").exists()


@pytest.mark.parametrize("log", [None, "json"])
def test_damaged_frames_are_left_out_and_counted(words: list[str], tmp_path: Path, log: str | None) -> None:
    report = tmp_path / "report.json"
    more = [] if log is None else ["--log", log]
    result = call(run, *words, "--on-error", "skip", "--json", str(report), *more)
    counts = json.loads(report.read_text())["counts"]["visible"]
    assert result.exit_code == 7
    assert counts["damaged"] > 5
    assert counts["read"] + counts["damaged"] == 100
    assert f"left out: visible: {counts['damaged']} frames" in result.stderr
    assert ('"event": "damage"' in result.stderr) == (log == "json")


def test_an_end_that_comes_too_early_is_a_frame_that_is_left_out(words: list[str], tmp_path: Path) -> None:
    night = tmp_path / "night.mkv"
    night.write_bytes(night.read_bytes()[: night.stat().st_size // 2])
    result = call(run, *words, "--on-error", "skip")
    assert result.exit_code == 7
    assert not isinstance(result.exception, CoconetError)
    assert "left out: infrared: 1 frame damaged" in result.stderr
