"""MCAP files written here: whole or unfinished, and read by the libraries of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rosbags.highlevel import AnyReader

from coconet.errors import CoconetError
from coconet.files import unfinished
from coconet.runtime.ros.image_message import image_message
from coconet.runtime.ros.mcap_file import McapFile, recover_mcap
from coconet.runtime.ros.messages import IMAGE
from tests.support.media.recordings import flat
from tests.support.ros.bags import FIRST_NS, stamp


def write(file: McapFile, count: int) -> None:
    for at in range(count):
        file.write("/thermal/image_raw", IMAGE, image_message(flat(at % 256), stamp(at), "thermal"), stamp(at), at)


def levels(path: Path) -> list[int]:
    """What rosbags reads: the first sample of each picture."""
    with AnyReader([path]) as reader:
        messages: list[Any] = [reader.deserialize(data, one.msgtype) for one, _, data in reader.messages()]
        return [int(message.data[0]) for message in messages]


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    file = McapFile(path)
    write(file, 3)
    assert (path.exists(), unfinished(path).exists()) == (False, True)
    file.close()
    assert (path.exists(), unfinished(path).exists()) == (True, False)
    assert levels(path) == [0, 1, 2]


def test_after_an_error_what_was_written_stays_under_the_unfinished_name(tmp_path: Path) -> None:
    file = McapFile(tmp_path / "run.mcap")
    write(file, 3)
    file.abandon()
    left = unfinished(tmp_path / "run.mcap").rename(tmp_path / "left.mcap")
    assert levels(left) == [0, 1, 2]


def test_a_file_without_a_message_leaves_nothing(tmp_path: Path) -> None:
    McapFile(tmp_path / "run.mcap").close()
    McapFile(tmp_path / "run.mcap").abandon()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_is_made_whole_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    file = McapFile(tmp_path / "whole.mcap")
    write(file, 2000)
    file.close()
    content = (tmp_path / "whole.mcap").read_bytes()
    unfinished(path).write_bytes(content[: len(content) // 2])
    found = recover_mcap(path)
    assert found == tmp_path / "run-recovered.mcap"
    assert levels(found) == [at % 256 for at in range(len(levels(found)))]
    assert 100 < len(levels(found)) < 2000
    assert not unfinished(path).exists()


def test_what_cannot_be_read_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    unfinished(tmp_path / "run.mcap").write_bytes(b"nothing that was ever a bag")
    assert recover_mcap(tmp_path / "run.mcap") is None
    assert [one.name for one in tmp_path.iterdir()] == ["run-damaged.mcap.unfinished"]


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    file = McapFile(tmp_path / "run.mcap")
    write(file, 1)
    with pytest.raises(CoconetError, match="is being written by another run"):
        McapFile(tmp_path / "run.mcap")
    file.close()


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = McapFile(tmp_path / "run.mcap")
    write(file, 1)
    monkeypatch.setattr(file._writer, "add_message", full)
    with pytest.raises(CoconetError, match=r"No space left on device.*run\.mcap\.unfinished"):
        write(file, 1)
    file.abandon()


def test_times_before_1970_are_at_1970(tmp_path: Path) -> None:
    file = McapFile(tmp_path / "run.mcap")
    file.write("/thermal/image_raw", IMAGE, image_message(flat(1), -FIRST_NS, "thermal"), -FIRST_NS)
    file.close()
    assert levels(tmp_path / "run.mcap") == [1]
