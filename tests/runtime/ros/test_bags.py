"""Bags as other programs write them: every kind gives the same messages, and damage is a sentence."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType

from coconet.errors import CoconetError, ExitCode, Refused
from coconet.media.naming.bag_names import BagAddress, split_bag
from coconet.runtime.ros.bag import CutOff
from coconet.runtime.ros.bag_sides import two_sides
from coconet.runtime.ros.messages import stamp_of
from coconet.runtime.ros.open_bag import open_bag, topic_named
from tests.support.media.damage import damaged
from tests.support.ros.bags import (
    IMAGE,
    Messages,
    camera_info,
    stamp,
    two_cameras,
    write_bag,
    write_mcap,
    write_mcap_itself,
    write_ros1,
)

KINDS: dict[str, Callable[[Path], Path]] = {
    "a folder of MCAP": lambda folder: write_bag(folder / "run", two_cameras()),
    "a folder of SQLite": lambda folder: write_bag(folder / "run", two_cameras(), "sqlite3"),
    "a file of SQLite": lambda folder: next(write_bag(folder / "run", two_cameras(), "sqlite3").glob("*.db3")),
    "an MCAP file": lambda folder: write_mcap(folder / "run.mcap", two_cameras()),
    "a ROS 1 bag": lambda folder: write_ros1(folder / "run.bag", two_cameras()),
}


def refuse(error: CoconetError) -> None:
    raise error


def read(path: Path, topic: str = "/thermal/image_raw") -> list[tuple[int, Any]]:
    with closing(open_bag(path)) as bag:
        return list(bag.messages(topic, refuse))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_bag_gives_its_messages_with_both_times(tmp_path: Path, kind: str) -> None:
    path = KINDS[kind](tmp_path)
    with closing(open_bag(path)) as bag:
        assert [(topic.name, topic.type, topic.count) for topic in bag.topics] == [
            ("/camera/image_raw", IMAGE, 4),
            ("/thermal/image_raw", IMAGE, 4),
        ]
    messages = read(path)
    assert [time_ns for time_ns, _ in messages] == [stamp(at) + 10**6 for at in range(4)]
    assert [stamp_of(message) for _, message in messages] == [stamp(at) + 7 for at in range(4)]


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("indexed", [True, False])
def test_mcap_of_its_own_library_is_read_in_every_layout(
    tmp_path: Path, compression: CompressionType, *, chunked: bool, indexed: bool
) -> None:
    layout = {"use_chunking": chunked, "use_statistics": indexed, "repeat_channels": indexed}
    path = write_mcap_itself(tmp_path / "run.mcap", two_cameras(), chunk_size=2000, compression=compression, **layout)
    assert [stamp_of(message) for _, message in read(path)] == [stamp(at) + 7 for at in range(4)]


def test_a_file_that_was_cut_off_gives_what_came_before_and_then_the_error(tmp_path: Path) -> None:
    path = write_mcap_itself(tmp_path / "run.mcap", two_cameras(40, 64, 96), chunk_size=50_000)
    whole = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(whole * 2 // 3)
    given: list[tuple[int, Any]] = []
    with closing(open_bag(path)) as bag, pytest.raises(CutOff, match="ends in the middle, after [1-9][0-9]* messages"):
        given += iter(bag.messages("/thermal/image_raw", refuse))
    left_out: list[CoconetError] = []
    with closing(open_bag(path)) as bag:
        kept = list(bag.messages("/thermal/image_raw", left_out.append))
    assert 0 < len(kept) < 40
    assert len(left_out) == 1


def test_a_chunk_that_fails_its_checksum_costs_its_own_messages_alone(tmp_path: Path) -> None:
    path = write_mcap_itself(tmp_path / "run.mcap", two_cameras(40, 256, 320))
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 0xFF
    path.write_bytes(data)
    left_out: list[CoconetError] = []
    with closing(open_bag(path)) as bag:
        kept = list(bag.messages("/camera/image_raw", left_out.append))
    assert 20 < len(kept) < 40
    assert [type(error) for error in left_out] == [CoconetError]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_damaged_is_read_or_refused_in_words(tmp_path: Path, kind: str, seed: int) -> None:
    path = KINDS[kind](tmp_path)
    part = next(one for one in path.iterdir() if one.suffix != ".yaml") if path.is_dir() else path
    part.write_bytes(damaged(part.read_bytes(), random.Random(seed)))  # noqa: S311
    with suppress(CoconetError):
        read(path)


@pytest.mark.parametrize("name", ["run.mcap", "run.db3", "run.bag"])
@pytest.mark.parametrize("content", [b"", b"no bag at all", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" * 20])
def test_a_file_that_is_no_bag_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CoconetError, match=name):
        read(tmp_path / name)


def test_a_topic_that_is_not_there_has_the_nearest_named_and_the_others_listed(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras())
    with closing(open_bag(path)) as bag:
        with pytest.raises(Refused, match=r"Did you mean .*run\.mcap#/thermal/image_raw\?") as failure:
            topic_named(bag, BagAddress(path, "/thermal/imageraw"))
        assert "/camera/image_raw, /thermal/image_raw" in str(failure.value)
        with pytest.raises(Refused, match="/camera/image_raw, /thermal/image_raw"):
            topic_named(bag, BagAddress(path, ""))


def test_a_topic_without_images_is_refused_by_its_type(tmp_path: Path) -> None:
    topics: Messages = {
        **two_cameras(),
        "/camera/camera_info": [("sensor_msgs/msg/CameraInfo", camera_info([1] * 9, []))],
    }
    path = write_mcap(tmp_path / "run.mcap", topics)
    with closing(open_bag(path)) as bag, pytest.raises(Refused, match="of type sensor_msgs/msg/CameraInfo"):
        topic_named(bag, BagAddress(path, "/camera/camera_info"))


def test_the_only_topic_with_images_needs_no_name(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", {"/thermal/image_raw": two_cameras()["/thermal/image_raw"]})
    with closing(open_bag(path)) as bag:
        assert topic_named(bag, BagAddress(path, "")).name == "/thermal/image_raw"


@pytest.mark.parametrize(
    "names",
    [
        ("/camera/image_raw", "/thermal/image_raw"),
        ("/camera/color/image_raw", "/flir_boson/image_raw"),
        ("/sensors/rgb", "/sensors/lwir"),
        ("/visible/image_raw", "/infrared/image_raw"),
    ],
)
def test_the_two_sides_of_a_bag_are_told_apart_by_their_names(tmp_path: Path, names: tuple[str, str]) -> None:
    path = write_mcap(tmp_path / "run.mcap", dict(zip(names, two_cameras().values(), strict=True)))
    assert two_sides(path) == (f"{path}#{names[0]}", f"{path}#{names[1]}")


def test_names_that_say_nothing_are_listed_with_a_line_to_type(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", dict(zip(("/a", "/b"), two_cameras().values(), strict=True)))
    with pytest.raises(Refused, match=r"--visible '.*run\.mcap#/a' --infrared '.*run\.mcap#/b'"):
        two_sides(path)


def test_the_line_to_type_names_a_topic_that_sounds_thermal_as_the_infrared_one(tmp_path: Path) -> None:
    camera, thermal = two_cameras().values()
    topics = {"/flir/image_raw": thermal, "/left/image_raw": camera, "/right/image_raw": camera}
    with pytest.raises(Refused, match=r"--visible '[^ ]*#/left/image_raw' --infrared '[^ ]*#/flir/image_raw'"):
        two_sides(write_mcap(tmp_path / "run.mcap", topics))


def test_a_split_bag_without_one_of_its_files_names_it(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "run", two_cameras())
    metadata = (folder / "metadata.yaml").read_text()
    (folder / "metadata.yaml").write_text(metadata.replace("- run.mcap\n", "- run.mcap\n  - run_1.mcap\n", 1))
    with pytest.raises(CoconetError, match=r"lacks run_1\.mcap, .* a bag of its own: .*run\.mcap") as refused:
        open_bag(folder)
    assert refused.value.exit_code == ExitCode.CAMERA


def test_a_bag_is_known_by_its_ending_or_its_metadata(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "run#1", two_cameras())
    assert split_bag(f"{folder}#/thermal") == BagAddress(folder, "/thermal")
    assert split_bag(str(folder)) == BagAddress(folder, "")
    assert split_bag("a#b/run.mcap#/thermal") == BagAddress(Path("a#b/run.mcap"), "/thermal")
    assert split_bag("run.mcap.unfinished#/thermal") == BagAddress(Path("run.mcap.unfinished"), "/thermal")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "metadata.yaml").write_text("camera: one")
    assert [split_bag(name) for name in (str(tmp_path / "pictures"), "a#b.mp4", "rtsp://host/a.mcap#b")] == [None] * 3
