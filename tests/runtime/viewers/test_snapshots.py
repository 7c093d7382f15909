"""Snapshots and recordings: what stands in the folder, and that the loop never waits for it."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.media.video import VideoReader
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.writer_thread import ClipWriter, LossySink
from coconet.runtime.viewers.snapshots import Captures, check_capture_folder
from tests.support.frames import fused_frame, timed_frame


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


class Stuck:
    """A sink that writes nothing until it may, or fails."""

    def __init__(self) -> None:
        self.may, self.fails, self.discarded = Event(), False, False

    def write(self, frame: FusedFrame) -> None:
        self.may.wait(20)
        if self.fails:
            raise CoconetError("disk", wanted="room", got="none", remedy="Free some.")

    def close(self) -> None:
        pass

    def discard(self) -> None:
        self.discarded = True


def test_a_disk_that_is_stuck_makes_frames_drop_and_holds_nobody_up() -> None:
    sink = Stuck()
    recorder = ClipWriter(sink, "a.mp4")
    for index in range(50):
        recorder.note(fused_frame(index))
    sink.may.set()
    state = recorder.stop()
    assert state.dropped >= 50 - 17
    assert state.frames + state.dropped == 50


def test_a_disk_that_is_full_shows_in_the_state_and_comes_out_of_stop() -> None:
    sink = Stuck()
    sink.fails = True
    sink.may.set()
    recorder = ClipWriter(sink, "a.mp4")
    recorder.note(fused_frame())
    with pytest.raises(CoconetError, match="wanted room"):
        recorder.stop()
    assert "wanted room" in recorder.state.trouble
    assert sink.discarded


def test_a_capture_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CoconetError, match="wanted a folder for snapshots"):
        check_capture_folder(tmp_path / "file")


def test_a_network_that_is_stuck_holds_nobody_up_and_is_left_alone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.sinks.writer_thread.PATIENCE_S", 0.05)
    stuck = Stuck()
    sink = LossySink(stuck, "rtsp://there")
    for index in range(50):
        sink.write(fused_frame(index))
    assert sink.dropped >= 50 - 17
    with pytest.raises(CoconetError, match="rtsp://there: wanted somebody who takes the frames"):
        sink.close()
    sink.discard()
    stuck.may.set()
