"""Scratch of a killed process is removed by the next one; that of a running one, and all else, stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from coconet.files import whole_file
from coconet.writing.scratch import ScratchFolder, remove_leftovers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL and locks that end with a process are of POSIX")

WRITING = """
import sys, time
from pathlib import Path
from coconet.files import whole_file
from coconet.writing.scratch import ScratchFolder
with whole_file(Path(sys.argv[1])) as scratch, ScratchFolder() as folder:
    scratch.write_text("half of it")
    (Path(folder) / "part").write_text("half of it")
    print(scratch, folder, sep="\\n", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, and no folder that was looked at already."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr("coconet.writing.scratch._LOOKED_AT", set())
    return tmp_path


def test_what_a_killed_process_has_left_is_removed_by_the_next_one(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [sys.executable, "-c", WRITING, str(own_places / "model.onnx")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = [Path(process.stdout.readline().strip()) for _ in range(2)]
        for running in (True, False):
            with whole_file(own_places / "other.txt") as scratch, ScratchFolder():
                scratch.write_text("whole")
            assert [path.exists() for path in left] == [running, running]
            if running:
                process.send_signal(signal.SIGKILL)
                process.wait(60)
                monkeypatch.setattr("coconet.writing.scratch._LOOKED_AT", set())
    assert sorted(path.name for path in own_places.iterdir()) == ["other.txt", "tmp"]
    assert not any((own_places / "tmp").iterdir())


def test_a_folder_is_looked_at_once_a_process(own_places: Path) -> None:
    for name in ("a.txt", "b.txt"):
        with whole_file(own_places / name) as scratch:
            scratch.write_text(name)
        (own_places / ".x.coconet-999999999-abcdefgh.txt").touch()
    assert len(list(own_places.glob(".x*"))) == 1


@pytest.mark.parametrize(
    "name", [".hidden.txt", ".x-abcdefgh.txt", "x.coconet-999999999-abcdefgh", ".x.coconet-1-ab.txt"]
)
def test_files_of_other_names_stay(own_places: Path, name: str) -> None:
    (own_places / name).touch()
    remove_leftovers(own_places)
    assert (own_places / name).exists()


def test_a_number_that_no_process_can_have_and_a_link_do_no_harm(own_places: Path) -> None:
    victim = own_places / "victim.txt"
    victim.touch()
    (own_places / f".x.coconet-{10**30}-abcdefgh.txt").touch()
    (own_places / ".y.coconet-999999999-abcdefgh.txt").symlink_to(victim)
    remove_leftovers(own_places)
    assert victim.exists()
    assert [path.name for path in own_places.glob(".*")] == [".y.coconet-999999999-abcdefgh.txt"]


def test_no_other_file_makes_temporary_ones_that_a_kill_would_leave() -> None:
    root = Path(__file__).resolve().parents[3]
    parts = (root / part for part in ("coconet", "runtime", "export", "calibration", "benchmarks"))
    makes = re.compile(r"\b(TemporaryDirectory|NamedTemporaryFile|mkdtemp|mkstemp)\b")
    found = [path.name for part in parts for path in part.rglob("*.py") if makes.search(path.read_text())]
    assert found == ["scratch.py"]
