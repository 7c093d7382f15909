"""The oldest Python that setup.py allows is enough for all code, which lint reads by the rules of a newer one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("coconet", "runtime", "export", "calibration", "benchmarks", "tests", "setup.py")


def oldest_python() -> str:
    """Return the version that setup.py names, such as `3.10`."""
    named = re.search(r'python_requires=">=(.+)"', (ROOT / "setup.py").read_text())
    assert named is not None
    return named[1]


def too_new(*paths: Path) -> str:
    """Return what vermin says of each file that needs more than the oldest Python; annotations are read by typer."""
    words = ["--quiet", "--no-tips", "--violations", "--eval-annotations"]
    command = [sys.executable, "-c", "from vermin import main; main()", *words, f"--target={oldest_python()}-"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}".strip()


@pytest.mark.slow
def test_no_code_needs_more_than_the_oldest_python() -> None:
    assert too_new(*(ROOT / name for name in FOLDERS)) == ""


def test_code_that_needs_more_is_found(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text("from typing import Self\n")
    assert "'typing.Self' member requires !2, 3.11" in too_new(tmp_path / "newer.py")
