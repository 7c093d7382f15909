"""A file that is finished before the disk is full."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.media.video import VideoReader
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.sparing_sink import SparingSink, check_room, missing_bytes
from tests.support.frames import fused_frame
from tests.support.loop_ends import Shelf

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
    ("free", "total", "missing"), [(2e9, 100e9, 0), (0.4e9, 100e9, 600_000_000), (0.4e9, 4e9, 0), (0, 4e9, 200_000_000)]
)
def test_the_reserve_is_a_gigabyte_or_a_twentieth_of_a_small_disk(
    free: float, total: float, missing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, free, total)
    assert missing_bytes(tmp_path) == missing


def test_a_file_is_ended_and_whole_once_the_disk_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    sink = SparingSink(open_sink(str(tmp_path / "a.mp4")), tmp_path, clock)
    for index in range(6):
        with_free(monkeypatch, 5e9 if index < 3 else 0.5e9)
        clock.now_s += 1.0
        sink.write(fused_frame(index))
    assert (sink.frames, sink.ended) == (3, "ended: the disk is nearly full")
    with VideoReader(tmp_path / "a.mp4") as video:
        assert len(list(video)) == 3
    sink.discard()
    sink.close()
    assert (tmp_path / "a.mp4").is_file()


def test_the_disk_is_looked_at_once_a_second_and_not_for_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []

    def look(folder: Path) -> int:
        looks.append(folder)
        return 0

    monkeypatch.setattr("coconet.runtime.sinks.sparing_sink.missing_bytes", look)
    clock, shelf = Clock(), Shelf()
    sink = SparingSink(shelf, tmp_path, clock)
    for index in range(50):
        clock.now_s += 0.05
        sink.write(fused_frame(index))
    sink.close()
    assert (len(looks), len(shelf.frames), shelf.ends) == (2, 50, ["closed"])


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 0.5e9)
    with pytest.raises(CoconetError, match="wanted 1 GB free, or 5% of a small disk, got less. Free space"):
        check_room(tmp_path)
