"""Sinks: what stands on disk after closing and after an error."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, Refused
from coconet.media.image import read_picture
from coconet.media.video import VideoReader
from coconet.redaction import is_network_address
from coconet.runtime.frame import FramePair
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.sink import FolderSink, NoSink
from coconet.runtime.sinks.video_file import VideoSink
from tests.support.media.frames import frames_in_video, fused_frame
from tests.support.servers.secret_addresses import SECRET, SECRET_ADDRESSES


def test_no_address_is_no_sink() -> None:
    assert isinstance(open_sink(None), NoSink)


@pytest.mark.parametrize("address", ["out", "v1.2/"])
def test_no_ending_or_a_slash_is_a_folder(tmp_path: Path, address: str) -> None:
    assert isinstance(open_sink(f"{tmp_path}/{address}"), FolderSink)


def test_a_folder_that_is_there_is_a_folder_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "pictures.mp4").mkdir()
    assert isinstance(open_sink(str(tmp_path / "pictures.mp4")), FolderSink)


def test_a_video_keeps_the_pace_of_the_visible_camera(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "fused.mp4"))
    for index in (0, 1, 3):
        sink.write(fused_frame(index))
    assert not (tmp_path / "fused.mp4").exists()
    sink.close()
    with VideoReader(tmp_path / "fused.mp4") as video:
        assert [round(frame.timestamp_ns / 1e6) for frame in video] == [0, 40, 120]


def test_a_discarded_video_without_a_frame_leaves_nothing(tmp_path: Path) -> None:
    VideoSink(tmp_path / "fused.mp4").discard()
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_video_leaves_its_frames_under_an_unfinished_name(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "fused.mp4")
    for index in range(3):
        sink.write(fused_frame(index))
    sink.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["fused.mp4.unfinished"]
    assert frames_in_video(tmp_path / "fused.mp4.unfinished") == 3


def test_a_folder_keeps_names_and_numbers_what_has_none(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "a" / "b")
    sink.write(fused_frame(name="scene.bmp", level=7))
    sink.write(fused_frame(12))
    sink.close()
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["000012.png", "scene.bmp"]
    assert np.array_equal(read_picture(tmp_path / "a" / "b" / "scene.bmp"), fused_frame(level=7).pixels)


def test_a_visible_picture_that_is_in_several_pairs_is_replaced_by_none_of_them(tmp_path: Path) -> None:
    sink, still = FolderSink(tmp_path / "out"), fused_frame(3, name="scene.png")
    for index in range(4):
        pair = FramePair(still.pair.visible, fused_frame(index).pair.infrared, clock="infrared")
        sink.write(replace(still, pair=pair))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"infrared-00000{n}.png" for n in range(4)]


def test_a_discarded_folder_keeps_its_pictures_and_goes_if_it_is_new_and_empty(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("new", "old"):
        FolderSink(tmp_path / name).discard()
    full = FolderSink(tmp_path / "full")
    full.write(fused_frame())
    full.discard()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["full", "full/000000.png", "old"]


@pytest.mark.parametrize("name", ["../victim.png", "/victim.png", "..", "a/../../victim.png"])
def test_the_name_of_a_frame_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "victim.png").write_bytes(b"untouched")
    sink = FolderSink(tmp_path / "out")
    with pytest.raises(CoconetError, match="is not the plain name of a file"):
        sink.write(fused_frame(name=name))
    assert (tmp_path / "victim.png").read_bytes() == b"untouched"


def test_a_picture_is_only_replaced_by_a_finished_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FolderSink(tmp_path / "out")
    sink.write(fused_frame(level=7))
    before = (tmp_path / "out" / "000000.png").read_bytes()

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fill)
    with pytest.raises(CoconetError, match="cannot be written: No space left on device"):
        sink.write(fused_frame(level=200))
    sink.discard()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["000000.png"]
    assert (tmp_path / "out" / "000000.png").read_bytes() == before


def test_discarding_after_closing_keeps_the_pictures(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out")
    sink.write(fused_frame())
    sink.close()
    sink.discard()
    assert (tmp_path / "out" / "000000.png").is_file()


def test_a_folder_inside_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CoconetError, match=r"file/out cannot be written: Not a directory"):
        open_sink(f"{tmp_path}/file/out/")


def test_a_folder_that_vanished_is_said(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out")
    (tmp_path / "out").rmdir()
    with pytest.raises(CoconetError, match="no folder"):
        sink.write(fused_frame())


@pytest.mark.parametrize("name", ["fused.mp4", "fused.png"])
def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CoconetError, match=r"Create the folder first"):
        open_sink(str(tmp_path / "gone" / name))


@pytest.mark.parametrize("name", ["x.bag", "x.DB3"])
def test_an_output_that_is_a_bag_of_another_kind_names_the_one_that_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"and bags are written as \.mcap only\. Name it x\.mcap, which ROS 2"):
        open_sink(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_an_ending_that_is_no_video_lists_the_endings(tmp_path: Path) -> None:
    with pytest.raises(
        CoconetError, match=r"has the ending \.gif; a video ends in \.mp4, .* or name a folder .* slash"
    ):
        open_sink(str(tmp_path / "fused.gif"))


STREAMS = ("udp://", "rtsp://")

NO_OUTPUTS = [
    *(form for form in SECRET_ADDRESSES if is_network_address(form) and not form.lower().startswith(STREAMS)),
    *("h264:file", "raw:frames", "H264:x", "raw:"),
]


@pytest.mark.parametrize("address", NO_OUTPUTS)
def test_what_is_no_output_is_refused_without_its_secret_and_leaves_no_folder(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CoconetError, match="is not an output that is known. Use udp://host:5000 or|has an empty name"
    ) as caught:
        open_sink(address)
    assert SECRET not in str(caught.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["RTSP://127.0.0.1:9/x", "Udp://127.0.0.1:9"])
def test_an_output_in_capitals_is_a_stream(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_sink(address).discard()
    assert not any(tmp_path.iterdir())
