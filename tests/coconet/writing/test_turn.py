"""The second process waits until the first has done the work, and one that cannot hold a place goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coconet.writing.turn import turn_at

HOLD = """
import sys
from pathlib import Path
from coconet.writing.turn import turn_at
with turn_at(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1]).with_name("done").touch()
"""


@pytest.mark.parametrize("killed", [False, True])
def test_the_second_one_is_told_and_waits_for_the_first(tmp_path: Path, killed: bool) -> None:
    place, told = tmp_path / "folder" / "a.lock", list[str]()
    command = [sys.executable, "-c", HOLD, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "held\n"

        def waiting() -> None:
            told.append("waits")
            if killed:
                first.kill()
            else:
                print("go", file=first.stdin, flush=True)

        with turn_at(place, waiting):
            assert told == ["waits"]
            assert place.with_name("done").exists() != killed
    assert not place.exists()


def test_who_does_not_wait_leaves_the_place_to_the_other(tmp_path: Path) -> None:
    def refuse() -> None:
        raise ValueError

    with turn_at(tmp_path / "a.lock", lambda: None):
        for _ in range(2):
            with pytest.raises(ValueError), turn_at(tmp_path / "a.lock", refuse):  # noqa: PT011
                pytest.fail("both hold it")


def test_the_only_one_waits_for_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        with turn_at(tmp_path / "a.lock", lambda: pytest.fail("nobody else is there")):
            assert [path.name for path in tmp_path.iterdir()] == ["a.lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with turn_at(tmp_path / "file" / "a.lock", lambda: None):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
