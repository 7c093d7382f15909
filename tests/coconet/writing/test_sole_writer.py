"""What one process writes is held by it from the moment it is made, or not written at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.files import unfinished
from coconet.media.encoding.video_writer import VideoWriter
from coconet.runtime.ros.mcap_file import McapFile
from coconet.writing.scratch import lock_unfinished
from coconet.writing.sole_writer import hold_made

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks that end with a process are of POSIX")


@pytest.mark.parametrize(("name", "begin"), [("night.mp4", VideoWriter), ("night.mcap", McapFile)])
def test_a_file_that_another_process_takes_as_it_is_made_is_refused(
    name: str, begin: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[int | None] = []

    def touch(self: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        self.write_bytes(b"")
        locks.append(lock_unfinished(self))

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(CoconetError, match=rf"{name} is being written by another run"):
        begin(tmp_path / name)
    assert unfinished(tmp_path / name).exists()  # the other process has it
    assert len(locks) == 1
    os.close(locks[0] or 0)


def test_a_file_that_was_removed_as_left_over_and_made_by_another_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "night.mp4.unfinished"
    path.touch()

    def lock_late(path: Path) -> int | None:
        lock = lock_unfinished(path)
        path.unlink()
        path.touch()
        return lock

    monkeypatch.setattr("coconet.writing.sole_writer.lock_unfinished", lock_late)
    with pytest.raises(CoconetError, match="is being written by another run"):
        hold_made(path, tmp_path / "night.mp4")
