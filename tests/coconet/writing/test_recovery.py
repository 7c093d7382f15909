"""What was recovered piles up in no silence, and is never removed."""

from __future__ import annotations

from pathlib import Path

from coconet.files import unfinished
from coconet.writing.recovery import recover, recovered_beside


def copy(source: Path, goal: Path) -> None:
    goal.write_bytes(source.read_bytes())


def test_every_run_that_broke_off_is_kept_and_the_second_one_is_told_with_the_first(tmp_path: Path) -> None:
    path, told = tmp_path / "night.mp4", []
    (tmp_path / "nights-recovered.mp4").touch()
    for number in range(3):
        unfinished(path).write_bytes(bytes([number]) * 10**6)
        assert recover(path, None, copy) is not None
        told.append(recovered_beside(path))
    assert told[0] == ""
    assert told[2].startswith(" 3 recovered ones of night.mp4 lie there now, 3 MB: none is removed by itself")
    assert len(list(tmp_path.glob("night-recovered*.mp4"))) == 3


def test_recordings_in_folders_are_counted_with_what_is_in_them(tmp_path: Path) -> None:
    for name in ("night-recovered", "night-recovered-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "visible.mkv").write_bytes(bytes(10**6))
    assert "2 recovered ones of night lie there now, 2 MB" in recovered_beside(tmp_path / "night")
