"""Video files in turns: when a new one begins, and which are deleted."""

from __future__ import annotations

import errno
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.video import VideoReader
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.video_file import RotatingSink, Rotation, VideoSink
from tests.support.media.frames import PERIOD_NS, frames_in_video, fused_frame


def frames_in(folder: Path) -> list[int]:
    return [frames_in_video(path) for path in sorted(folder.glob("day-*.mp4"))]


def test_a_file_is_full_after_its_time(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "day.mp4"), Rotation(seconds=0.12))
    for index in range(10):  # 40 ms apart, so three fill a file
        sink.write(fused_frame(index))
    sink.close()
    assert frames_in(tmp_path) == [3, 3, 3, 1]


def test_a_file_is_full_after_its_size(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "day.mp4"), Rotation(megabytes=0.1))
    rng = np.random.default_rng(0)
    for index in range(60):
        noise = Frame(rng.integers(0, 256, (128, 128, 3), np.uint8), index * 40_000_000, index)
        sink.write(FusedFrame(noise.pixels, FramePair(noise, noise), 1.0))
    sink.close()
    assert len(frames_in(tmp_path)) > 1
    assert sum(frames_in(tmp_path)) == 60


def test_only_the_newest_files_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    others = ["day-20200101T000000-000Z.mp4", "day-of-mine.mp4", "night-20200101T000000-000Z.mp4"]
    for name in others:
        (tmp_path / name).touch()
    sink = RotatingSink(tmp_path / "day.mp4", Rotation(seconds=0.04, keep=2))
    for index in range(5):
        sink.write(fused_frame(index))
    sink.close()
    left = {path.name for path in tmp_path.iterdir()}
    assert left & set(others) == set(others[1:])
    assert len(left) == 4
    assert sorted(map(Path, sink.files)) == sorted(tmp_path / name for name in left - set(others))


def test_after_an_error_the_last_file_stays_unfinished_and_the_next_run_finishes_it(tmp_path: Path) -> None:
    sink = RotatingSink(tmp_path / "day.mp4", Rotation(seconds=0.08))
    for index in range(3):
        sink.write(fused_frame(index))
    sink.discard()
    assert frames_in(tmp_path) == [2]
    RotatingSink(tmp_path / "day.mp4", Rotation(seconds=0.08)).discard()
    assert frames_in(tmp_path) == [2, 1]
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_camera_that_changes_its_size_ends_one_file_and_begins_the_next(tmp_path: Path, suffix: str) -> None:
    sink = open_sink(str(tmp_path / f"a{suffix}"))
    for index in range(9):
        sink.write(fused_frame(index, size=(16, 24) if index < 4 or index > 6 else (32, 48)))
    sink.close()
    names = [f"a{suffix}", f"a-2{suffix}", f"a-3{suffix}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert [frames_in_video(tmp_path / name) for name in names] == [4, 3, 2]


def test_files_in_turns_end_where_the_size_changes(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "day.mp4"), Rotation(seconds=100))
    for index in range(5):
        sink.write(fused_frame(index, size=(16, 24) if index < 3 else (32, 48)))
    sink.close()
    assert frames_in(tmp_path) == [3, 2]


def test_a_full_disk_is_said_with_where_the_video_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = VideoSink(tmp_path / "a.mp4")
    for index in range(20):
        sink.write(fused_frame(index))

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("coconet.media.encoding.video_writer.yuv_frame", fill)
    with pytest.raises(CoconetError, match=r"No space left on device. Free space\. .* in a\.mp4\.unfinished"):
        sink.write(fused_frame(20))
    sink.discard()
    assert frames_in_video(tmp_path / "a.mp4.unfinished") == 20


FULL = """
import resource, signal, sys
from pathlib import Path
from coconet.errors import CoconetError
from coconet.runtime.sinks.video_file import VideoSink
from tests.support.media.frames import fused_frame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sink = VideoSink(Path(sys.argv[1]))
try:
    for index in range(200):
        sink.write(fused_frame(index))
    sink.close()
except CoconetError as error:
    print(error)
sink.discard()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of files is limited as Linux does")
def test_a_disk_that_is_full_from_the_start_leaves_no_empty_video(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "a.mp4"], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout == f"{tmp_path / 'a.mp4'} cannot be written: File too large. Free space.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_a_copy_keeps_the_video_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = VideoSink(tmp_path / "a.mp4")
    for index in range(5):
        sink.write(fused_frame(index))

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("coconet.media.encoding.whole_video._copy", fill)
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert frames_in_video(tmp_path / "a.mp4") == 5


@pytest.mark.parametrize("words", [(0.0, 0.0, 3), (-1.0, 0.0, 0), (1.0, 0.0, -1)])
def test_a_rotation_that_never_turns_is_refused(words: tuple[float, float, int]) -> None:
    with pytest.raises(CoconetError, match="needs a length or a size above 0"):
        Rotation(*words)


def test_stamps_that_step_back_after_a_change_of_an_offset_go_on_where_the_file_was(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "day.mp4"))
    for index in (0, 1, 2, 2500, 2501, 3, 4):  # a minute and a half ahead, and back again
        sink.write(fused_frame(index))
    sink.close()
    with VideoReader(tmp_path / "day.mp4") as video:
        stamps = [frame.timestamp_ns for frame in video]
    assert [round((later - one) / PERIOD_NS) for one, later in pairwise(stamps)] == [1, 1, 2498, 1, 1, 1]
