"""Folders that change while they are looked through: what is gone is left out, or said, and nothing fails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.naming.entries import entries_below
from coconet.media.naming.picture_folder import has_pictures, pictures_in
from coconet.media.pairs import homes_of_both, paired_folder
from tests.support.programs.command_line import command

LOOKS: list[Callable[[Path], object]] = [pictures_in, has_pictures, homes_of_both, paired_folder]


def tree(root: Path) -> Path:
    for number in range(4):
        folder = root / f"set{number}"
        folder.mkdir(parents=True)
        assert cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8), np.uint8))
    return root


@pytest.mark.parametrize("look", LOOKS)
def test_a_folder_that_is_removed_while_it_is_looked_through_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], object]
) -> None:
    root, scan = tree(tmp_path / "root"), os.scandir

    def scan_late(path: str | Path) -> object:
        shutil.move(root / "set2", tmp_path / "elsewhere") if (root / "set2").exists() else None
        return scan(path)

    monkeypatch.setattr(os, "scandir", scan_late)
    with suppress(CoconetError):  # some need what was there
        look(root)
    assert (tmp_path / "elsewhere").exists() or look is has_pictures


def test_what_is_gone_is_left_out(tmp_path: Path) -> None:
    root = tree(tmp_path / "root")
    found = entries_below(root)
    folders = [next(found).name for _ in range(4)]
    shutil.rmtree(root / folders[2])
    assert {path.parent.name for path in found} == set(folders) - {folders[2]}


@pytest.mark.parametrize("look", [pictures_in, has_pictures, paired_folder])
def test_a_removed_folder_is_said_to_be_none(tmp_path: Path, look: Callable[[Path], object]) -> None:
    with pytest.raises(CoconetError, match="does not exist"):
        look(tmp_path / "gone")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="/proc is of Linux")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--visible", "/proc/self", "--infrared", "/proc/self", "--model", "average"),
        ("train", "--data", "/proc/self", "--out", "out"),
        ("score", "a=/proc/self", "--visible", "/proc/self", "--infrared", "/proc/self"),
        ("batch", "/proc/self", "--out", "out", "--model", "average"),
    ],
)
def test_the_folder_of_a_process_is_refused_in_words(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = command(*(str(tmp_path / word) if word == "out" else word for word in words))
    assert ended.code in (2, 3)  # 3: of a camera
    assert re.search(r"/proc/\S+( and \S+)? (has|holds|cannot|is|do) ", ended.out + ended.err)
