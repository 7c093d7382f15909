"""Damaged bags: the sentence says which part is damaged, and repeats nothing that a library says of its bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.ros.bag import reading_bag
from coconet.runtime.ros.open_bag import open_bag
from coconet.runtime.ros.ros_bag import RosBag


def test_a_part_that_cannot_be_read_is_named_and_the_words_of_the_library_stay_beside() -> None:
    with pytest.raises(CoconetError) as caught, reading_bag(Path("a.mcap"), "a message of /thermal"):
        struct.unpack("<d", b"\0")
    assert str(caught.value).startswith("a.mcap is damaged: a message of /thermal cannot be read. Copy it again")
    assert "unpack requires a buffer of 8 bytes" in caught.value.got


def test_a_bag_without_a_whole_beginning_says_that(tmp_path: Path) -> None:
    bag = tmp_path / "night.bag"
    bag.write_bytes(b"#ROSBAG V2.0\n" + b"\xff" * 100)
    with pytest.raises(CoconetError) as caught:
        RosBag(bag)
    assert str(caught.value).startswith(f"{bag} is damaged: its beginning or its index cannot be read.")
    assert "rosbag reindex" in caught.value.remedy
    assert "skip" not in caught.value.remedy


def test_a_bag_of_sqlite_that_cannot_be_opened_is_not_said_to_be_read_in_part(tmp_path: Path) -> None:
    bag = tmp_path / "night.db3"
    bag.write_bytes(b"SQLite format 3\0" + b"\xff" * 100)
    with pytest.raises(CoconetError) as caught:
        RosBag(bag)
    assert caught.value.remedy == "Copy or record it again."


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.mcap", b"", "is an empty file; expected an MCAP file. Copy or record it again."),
        ("a.mcap", b"hello", "is a text file; expected an MCAP file. Name the right file."),
        ("a.bag", b"\x89MCAP0\r\n", "is an MCAP file; expected a bag of ROS. Give it the ending .mcap."),
        ("a.db3", b"", "is an empty file; expected a bag of ROS. Copy or record it again."),
    ],
)
def test_what_lies_under_the_name_of_a_bag_is_said_to_be_what_it_is(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CoconetError) as caught:
        open_bag(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name} {said}"
