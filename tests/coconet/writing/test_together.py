"""Files that belong together: whole, all of them or none, and a kill at any step leaves only halves that are seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coconet.writing.together import whole_together

KILLED = """
import os, sys
from pathlib import Path
from coconet.writing.together import whole_together

steps = 0

def dying(call):
    def die_or_call(*words, **more):
        global steps
        steps += 1
        if steps == int(sys.argv[1]):
            os._exit(9)
        return call(*words, **more)
    return die_or_call

os.fsync, os.chmod, Path.replace = map(dying, (os.fsync, os.chmod, Path.replace))
with whole_together(Path("card"), Path("engine")) as scratches:
    for scratch in scratches:
        scratch.write_text("new")
"""


def write_both(folder: Path, error: Exception | None = None) -> None:
    with whole_together(folder / "card", folder / "engine") as scratches:
        for scratch in scratches:
            scratch.write_text("new")
        if error is not None:
            raise error


def test_all_have_their_names_in_the_end_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_both(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"card": "new", "engine": "new"}


def test_an_error_leaves_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_both(tmp_path, ZeroDivisionError())
    assert list(tmp_path.iterdir()) == []


def test_all_are_on_the_disk_before_the_first_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    replace = Path.replace

    def noted_replace(scratch: Path, target: Path) -> Path:
        order.append(target.name)
        return replace(scratch, target)

    monkeypatch.setattr("os.fsync", lambda _: order.append("sync"))
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_both(tmp_path)
    assert order[:2] == ["sync", "sync"]
    assert [word for word in order if word != "sync"] == ["card", "engine"]


@pytest.mark.parametrize("step", range(1, 13))
def test_a_kill_at_any_step_never_leaves_a_new_last_file_beside_an_old_first_one(tmp_path: Path, step: int) -> None:
    for name in ("card", "engine"):
        (tmp_path / name).write_text("old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(step)], cwd=tmp_path, check=False)
    found = [(tmp_path / name).read_text() for name in ("card", "engine")]
    assert ended.returncode in (0, 9)
    assert found in (["old", "old"], ["new", "old"], ["new", "new"])
    assert ended.returncode == 9 or found == ["new", "new"]
