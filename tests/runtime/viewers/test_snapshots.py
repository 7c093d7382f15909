"""Snapshots and recordings: what stands in the folder, and that the loop never waits for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.media.video import VideoReader
from coconet.runtime.viewers.snapshots import Captures, check_capture_folder
from tests.support.frames import fused_frame, timed_frame
from tests.support.live_rig import until
from tests.support.loop_ends import Shelf


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
    with VideoReader(tmp_path / name) as video:
        assert len(list(video)) == 3


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    captures = Captures(tmp_path)
    captures.start()
    with pytest.raises(CoconetError, match="wanted at least one frame"):
        captures.stop()
    assert not list(tmp_path.iterdir())
    assert captures.stop() is None


def test_a_disk_that_fails_shows_in_the_state_comes_out_of_stop_and_costs_the_loop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(fails_at=0)
    monkeypatch.setattr("coconet.runtime.viewers.snapshots.open_sink", lambda _address: shelf)
    captures = Captures(tmp_path)
    captures.start()
    captures.note(fused_frame())
    assert until(lambda: captures.recording is not None and "wanted space" in captures.recording.trouble)
    captures.note(fused_frame())
    with pytest.raises(CoconetError, match="wanted space"):
        captures.stop()
    assert shelf.ends == ["discarded"]


def test_a_capture_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CoconetError, match="wanted a folder for snapshots"):
        check_capture_folder(tmp_path / "file")
