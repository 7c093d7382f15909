"""Sidecars of recordings: damaged ones are refused in words, and no picture gets the stamp of another one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.lossless_video import RawVideoWriter
from coconet.runtime.cameras.recorded import RecordedCamera, StampSheet, read_stamps
from coconet.runtime.commands.run import run
from coconet.runtime.frame import Frame
from tests.support.programs.called import complaint_of

MS = 10**6
COUNT = 8


def write_recording(video: Path) -> Path:
    """A lossless video of COUNT pictures, one grey level each, 40 ms apart, with its stamps beside it."""
    writer, sheet = RawVideoWriter(video), StampSheet(video.with_suffix(".stamps.csv"))
    for index in range(COUNT):
        frame = Frame(np.full((24, 32, 3), 20 * index, np.uint8), index * 40 * MS, index, f"{index}.png", "driver")
        writer.write(frame.pixels, frame.timestamp_ns)
        sheet.add(frame, frame.timestamp_ns)
    writer.close()
    sheet.close(whole=True)
    return video


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "visible.mkv")


def replayed(video: Path) -> list[Frame]:
    camera, found = RecordedCamera(video), list[Frame]()
    try:
        while (frame := camera.read()) is not None:
            found.append(frame)
            assert frame.pixels[0, 0, 0] == 20 * frame.index  # never the stamp of another picture
    finally:
        camera.close()
    return found


def change(video: Path, edit: Callable[[bytes], bytes]) -> Path:
    sheet = video.with_suffix(".stamps.csv")
    sheet.write_bytes(edit(sheet.read_bytes()))
    return video


def test_a_sheet_that_is_as_it_was_written_replays(video: Path) -> None:
    assert [frame.timestamp_ns for frame in replayed(video)] == [index * 40 * MS for index in range(COUNT)]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace(b"3,120000000,driver,3.png\r\n", b""),
        lambda text: text.replace(b"0,0,driver,0.png\r\n", b""),
        lambda text: text.replace(b"7,280000000,driver,7.png\r\n", b""),
        lambda text: text.replace(b"3,120000000,", b"3,80000000,"),
        lambda text: text.replace(b"3,120000000,driver,3.png\r\n", b"\r\n"),
        lambda text: text.replace(b"3,120000000,driver,3.png", b"3,120000000,driver"),
        lambda text: text.replace(b"3,120000000", b"3,--5"),
        lambda text: text.replace(b"3,120000000", b"--5,120000000"),
        lambda text: text.replace(b"3,120000000", b"-3,120000000"),
        lambda text: text.replace(b"3,120000000", "3,1²".encode()),
        lambda text: text.replace(b"3,120000000", b"3," + b"9" * 4000),
        lambda text: text.replace(b",driver,3", b",guessed,3"),
        lambda text: text.replace(b"3.png", b"x" * 2**17 + b".png"),
        lambda text: text.replace(b"3.png", b"\xff\xfe.png"),
        lambda text: text.replace(b"3.png", b'"3.png'),
        lambda text: text.replace(b"3.png", b"../../victim.png"),
        lambda text: text.replace(b"3.png", b"2.png"),
        lambda text: text.replace(b"3.png", b"/victim.png"),
        lambda text: text.replace(b"3.png", b"..\\victim.png"),
        lambda text: text.replace(b"3.png", b"3\0.png"),
        lambda text: text + text,
        lambda text: b"",
        lambda text: text[text.index(b"\n") + 1 :],
        lambda text: b"\xff" + text,
    ],
)
def test_a_damaged_sheet_is_refused_in_words(video: Path, edit: Callable[[bytes], bytes]) -> None:
    with pytest.raises(CoconetError) as refused:
        replayed(change(video, edit))
    assert len(str(refused.value)) < 400 + len(str(video))


@pytest.mark.parametrize("bytes_left", [40, 41, 60, 70, 77, 78, 79, 100])
def test_a_sheet_that_a_crash_cut_off_gives_the_lines_that_are_whole(video: Path, bytes_left: int) -> None:
    found = replayed(change(video, lambda text: text[:bytes_left]))
    assert len(found) == video.with_suffix(".stamps.csv").read_bytes().count(b"\n") - 1
    assert all(frame.name == f"{frame.index}.png" for frame in found)
    assert not read_stamps(video.with_suffix(".stamps.csv"))[1]


def test_a_replay_never_writes_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "night"
    folder.mkdir(parents=True)
    (tmp_path / "victim.png").write_bytes(b"untouched")
    write_recording(folder / "visible.mkv")
    change(folder / "visible.mkv", lambda text: text.replace(b"3.png", b"../../victim.png"))
    for name in ("mkv", "stamps.csv"):
        shutil.copyfile(folder / f"visible.{name}", folder / f"infrared.{name}")
    words = ("--visible", folder / "visible.mkv", "--infrared", folder / "infrared.mkv", "--model", "average")
    assert "is not the plain name of a file" in complaint_of(run, *words, "--out", tmp_path / "deep" / "out/")
    assert (tmp_path / "victim.png").read_bytes() == b"untouched"


def test_a_damaged_picture_ends_a_recording_or_is_left_out_and_counted(video: Path) -> None:
    data = bytearray(video.read_bytes())
    data[len(data) * 6 // 10] ^= 64
    video.write_bytes(data)
    with pytest.raises(CoconetError, match=r"picture \d is damaged.* --on-error skip"):
        replayed(video)
    camera = RecordedCamera(video, leaves_out_damage=True)
    frames = list(iter(camera.read, None))
    camera.close()
    assert camera.damaged > 0
    assert len(frames) + camera.damaged == COUNT
    assert all(frame.pixels[0, 0, 0] == 20 * frame.index for frame in frames)
