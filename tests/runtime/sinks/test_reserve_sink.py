"""A file that is finished before the disk is full."""

from __future__ import annotations

from collections import namedtuple
from contextlib import nullcontext
from errno import EIO, ENOSPC
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from coconet.errors import CoconetError
from coconet.files import spare_bytes
from coconet.media.encoding.video_writer import VideoWriter
from coconet.runtime.sinks.open_sink import Output, open_sink, open_with_reserve
from coconet.runtime.sinks.reserve_sink import DiskRoom, ReserveSink, WhenFull, check_room
from tests.support.media.frames import frames_in_video, fused_frame
from tests.support.rigs.loop_ends import Shelf

Disk = namedtuple("Disk", "total used free")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def with_free(monkeypatch: pytest.MonkeyPatch, free: float, total: float = 100e9) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: Disk(total, total - free, free))


@pytest.mark.parametrize(
    ("free", "total", "spare"),
    [(2e9, 100e9, 10**9), (0.4e9, 100e9, -600_000_000), (0.4e9, 4e9, 200_000_000), (0, 4e9, -200_000_000)],
)
def test_the_reserve_is_a_gigabyte_or_a_twentieth_of_a_small_disk(
    free: float, total: float, spare: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, free, total)
    assert spare_bytes(tmp_path) == spare
    assert spare_bytes(tmp_path / "not" / "yet") == spare
    assert spare_bytes(tmp_path, 300) == free - 300e6


def sparing(path: Path, clock: Clock, when_full: WhenFull = "end", sinks: list[Shelf] | None = None) -> ReserveSink:
    opener = (lambda: open_sink(str(path))) if sinks is None else partial(more_of, sinks)
    return ReserveSink(opener, str(path), DiskRoom(path.parent, when_full), clock)


def more_of(sinks: list[Shelf]) -> Shelf:
    sinks.append(Shelf())
    return sinks[-1]


def test_a_file_is_ended_and_whole_once_the_disk_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    sink = sparing(tmp_path / "a.mp4", clock)
    for index in range(6):
        with_free(monkeypatch, 5e9 if index < 3 else 0.5e9)
        clock.now_s += 1.0
        sink.write(fused_frame(index))
    assert (sink.frames, sink.ended) == (3, "ended: the disk is nearly full")
    assert sink.loss == "not written: 3 frames, because the disk was nearly full. What was written before is whole"
    assert frames_in_video(tmp_path / "a.mp4") == 3
    sink.discard()
    sink.close()
    assert (tmp_path / "a.mp4").is_file()


def test_where_frames_cannot_be_let_go_the_end_is_an_error_and_the_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    sink = sparing(tmp_path / "a.mp4", clock, "fail")
    sink.write(fused_frame(0))
    clock.now_s += 1.0
    with_free(monkeypatch, 0.5e9)
    with pytest.raises(CoconetError, match="has less than 1 GB free.*until then, 1 frame, is there and whole"):
        sink.write(fused_frame(1))
    sink.discard()
    assert frames_in_video(tmp_path / "a.mp4") == 1


@pytest.mark.parametrize("when_full", ["end", "fail"])
def test_a_disk_that_somebody_else_fills_ends_the_file_and_not_a_live_run(
    when_full: WhenFull, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 5e9)
    sink = sparing(tmp_path / "a.mkv", Clock(), when_full)
    for index in range(3):
        sink.write(fused_frame(index))
    monkeypatch.setattr(VideoWriter, "write", Mock(side_effect=OSError(ENOSPC, "No space left on device")))
    with (
        pytest.raises(CoconetError, match="cannot be written: No space left") if when_full == "fail" else nullcontext()
    ):
        sink.write(fused_frame(3))
        assert (sink.frames, sink.left_out, sink.ended) == (3, 1, "ended: the disk is full")
        sink.close()
        assert sink.loss.endswith("because the disk was full. What was written before stays unfinished")
        assert frames_in_video(tmp_path / "a.mkv.unfinished") == 3


def test_an_error_that_is_not_of_the_disk_is_raised_even_in_a_live_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 5e9)
    sink = sparing(tmp_path / "a.mkv", Clock())
    monkeypatch.setattr(VideoWriter, "write", Mock(side_effect=OSError(EIO, "Input/output error")))
    with pytest.raises(CoconetError, match="Input/output error"):
        sink.write(fused_frame(0))


def test_writing_goes_on_in_a_new_file_once_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sinks = Clock(), list[Shelf]()
    sink = sparing(tmp_path / "a.mp4", clock, "resume", sinks)
    for index, free in enumerate((5e9, 0.5e9, 1.1e9, 1.3e9, 1.1e9)):  # it takes more room to begin than to go on
        with_free(monkeypatch, free)
        clock.now_s += 1.0
        sink.write(fused_frame(index))
    sink.close()
    assert [[frame.pair.visible.index for frame in shelf.frames] for shelf in sinks] == [[0], [3, 4]]
    assert [shelf.ends for shelf in sinks] == [["closed"], ["closed"]]
    assert (sink.left_out, sink.ended) == (2, "")


def test_a_disk_without_room_at_the_beginning_is_an_error_or_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sinks = Clock(), list[Shelf]()
    with_free(monkeypatch, 0.5e9)
    with pytest.raises(CoconetError, match="has less than 1 GB free"):
        sparing(tmp_path / "a.mp4", clock, "fail", sinks)
    sink = sparing(tmp_path / "a.mp4", clock, "resume", sinks)
    assert (sinks, sink.ended) == ([], "ended: the disk is nearly full")
    with_free(monkeypatch, 5e9)
    clock.now_s += 1.0
    sink.write(fused_frame(0))
    assert (len(sinks), sink.ended) == (1, "")


def test_the_disk_is_looked_at_once_a_second_and_not_for_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []

    def look(folder: Path, _reserve_mb: float | None) -> int:
        looks.append(folder)
        return 0

    monkeypatch.setattr("coconet.runtime.sinks.reserve_sink.spare_bytes", look)
    clock, sinks = Clock(), list[Shelf]()
    sink = sparing(tmp_path / "a.mp4", clock, "end", sinks)
    for index in range(50):
        clock.now_s += 0.05
        sink.write(fused_frame(index))
    sink.close()
    assert (len(looks), len(sinks[0].frames), sinks[0].ends) == (3, 50, ["closed"])  # once before the first frame


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 0.5e9)
    with pytest.raises(CoconetError, match="has less than 1 GB free, or 5% of a small disk. Free space"):
        check_room(tmp_path)
    check_room(tmp_path, 100)


@pytest.mark.parametrize(("address", "when_full"), [("x.mp4", "end"), ("pictures/", "resume")])
def test_live_cameras_go_on_and_recordings_do_not(
    address: str, when_full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 0.5e9)
    out = Output(f"{tmp_path}/{address}")
    with pytest.raises(CoconetError, match="has less than 1 GB free"):
        open_with_reserve(out, live=False)
    sink = open_with_reserve(out, live=True)
    assert isinstance(sink, ReserveSink)
    sink.write(fused_frame(0))
    assert (sink.ended, sink.left_out) == ("ended: the disk is nearly full", 1)
    with_free(monkeypatch, 5e9)
    monkeypatch.setattr("coconet.runtime.sinks.reserve_sink._LOOK_S", 0.0)
    sink.write(fused_frame(1))
    sink.close()
    assert bool(sink.ended) == (when_full == "end")
    assert isinstance(open_with_reserve(Output(out.address, reserve_mb=100), live=False), ReserveSink)


def test_a_video_is_not_copied_for_its_index_where_the_copy_would_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, free in (("copied.mp4", 5e9), ("as-it-was.mp4", 1e9)):
        with_free(monkeypatch, free)
        with VideoWriter(tmp_path / name) as video:
            video.write(fused_frame(0).pixels, 0)
        assert frames_in_video(tmp_path / name) == 1
    assert b"moof" not in (tmp_path / "copied.mp4").read_bytes()
    assert b"moof" in (tmp_path / "as-it-was.mp4").read_bytes()
