"""Snapshots and recordings: what stands in the folder, and that the loop never waits for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, ExitCode
from coconet.files import Unwritable
from coconet.media.image import read_picture
from coconet.runtime.viewers.rate_limit import TooOften
from coconet.runtime.viewers.snapshots import CAPTURES, Captures, check_capture_folder
from tests.support.media.frames import frames_in_video, fused_frame, timed_frame
from tests.support.rigs.live_rig import until
from tests.support.rigs.loop_ends import Shelf


def test_a_snapshot_keeps_the_fused_picture_and_both_cameras(tmp_path: Path) -> None:
    names = Captures(tmp_path / "kept").snapshot(fused_frame(level=90))
    assert [name.rpartition("-")[2] for name in names] == ["fused.png", "visible.png", "infrared.png"]
    assert np.array_equal(read_picture(tmp_path / "kept" / names[0]), fused_frame(level=90).pixels)


def test_a_camera_that_is_missing_is_not_in_the_snapshot(tmp_path: Path) -> None:
    names = Captures(tmp_path).snapshot(timed_frame(missing=frozenset({"infrared"})))
    assert [name.rpartition("-")[2] for name in names] == ["fused.png", "visible.png"]


def test_a_recording_holds_the_frames_between_start_and_stop(tmp_path: Path) -> None:
    captures = Captures(tmp_path)
    captures.note(fused_frame(0))
    name = captures.start().name
    assert captures.start().name == name
    for index in (1, 2, 3):
        captures.note(fused_frame(index))
    state = captures.stop()
    captures.note(fused_frame(4))
    assert captures.recording is None
    assert state is not None
    assert (state.frames, state.dropped) == (3, 0)
    assert frames_in_video(tmp_path / name) == 3


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    captures = Captures(tmp_path)
    captures.start()
    with pytest.raises(CoconetError, match="was given no frame"):
        captures.stop()
    assert not list(tmp_path.iterdir())
    assert captures.stop() is None


def test_a_disk_that_fails_shows_in_the_state_comes_out_of_stop_and_costs_the_loop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(fails_at=0)
    monkeypatch.setattr("coconet.runtime.viewers.snapshots.open_sink", lambda *_: shelf)
    captures = Captures(tmp_path)
    captures.start()
    captures.note(fused_frame())
    assert until(lambda: captures.recording is not None and "has no space" in captures.recording.trouble)
    captures.note(fused_frame())
    with pytest.raises(CoconetError, match="has no space"):
        captures.stop()
    assert shelf.ends == ["discarded"]


def test_a_capture_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CoconetError, match="is a file; expected a folder"):
        check_capture_folder(tmp_path / "file")


def test_a_capture_folder_that_takes_no_file_is_refused_before_the_run_as_an_output_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "captures", Path("/proc/captures")):
        with pytest.raises(Unwritable, match="cannot be written") as refused:
            check_capture_folder(folder)
        assert refused.value.exit_code == ExitCode.OUTPUT
    check_capture_folder(tmp_path / "made" / "with" / "the first file")
    assert not (tmp_path / "made").exists()


def test_a_folder_that_nobody_named_and_that_takes_no_file_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/proc")
    check_capture_folder(CAPTURES)
    assert "/proc/captures cannot be written, so the page keeps no snapshots" in " ".join(
        capsys.readouterr().err.split()
    )


def test_snapshots_have_a_rate(tmp_path: Path) -> None:
    now_s = [0.0]
    captures = Captures(tmp_path, lambda: now_s[0])
    for _ in range(5):
        captures.snapshot(fused_frame())
    before = len(list(tmp_path.iterdir()))
    with pytest.raises(TooOften, match="too many new files at once"):
        captures.snapshot(fused_frame())
    assert len(list(tmp_path.iterdir())) == before
    now_s[0] = 1.0
    captures.snapshot(fused_frame())
    with pytest.raises(TooOften):
        captures.snapshot(fused_frame())


def test_recordings_have_a_rate(tmp_path: Path) -> None:
    captures = Captures(tmp_path, lambda: 0.0)
    for _ in range(5):
        captures.start()
        captures.note(fused_frame())
        captures.stop()
    with pytest.raises(TooOften):
        captures.start()
    assert captures.recording is None


def test_a_disk_that_is_nearly_full_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.sinks.reserve_sink.spare_bytes", lambda _folder, _reserve: -1)
    captures = Captures(tmp_path)
    for act in (captures.start, lambda: captures.snapshot(fused_frame())):
        with pytest.raises(CoconetError, match="has less than 1 GB free"):
            act()
    assert not any(tmp_path.iterdir())


def test_a_recording_that_was_ended_by_a_full_disk_says_so_and_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    captures = Captures(tmp_path, lambda: now_s[0])
    name = captures.start().name
    captures.note(fused_frame(0))
    assert until(lambda: captures.recording is not None and captures.recording.frames == 1)
    monkeypatch.setattr("coconet.runtime.sinks.reserve_sink.spare_bytes", lambda _folder, _reserve: -1)
    now_s[0] = 2.0
    captures.note(fused_frame(1))
    assert until(lambda: captures.recording is not None and "nearly full" in captures.recording.trouble)
    captures.note(fused_frame(2))
    state = captures.stop()
    assert state is not None
    assert (state.frames, state.trouble) == (1, "ended: the disk is nearly full")
    assert frames_in_video(tmp_path / name) == 1
