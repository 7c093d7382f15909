"""Names that no file can have, empty ones, and files that give no bytes: a sentence and a code, whatever asks."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.media.pair_folders import write_pair
from tests.support.programs.command_line import command

LONG, ZERO = "a" * 5000, "a\x00b"


@pytest.fixture(autouse=True)
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    gray = np.full((24, 32), 90, np.uint8)
    write_pair(tmp_path / "pairs", "a.png", gray, gray)
    return tmp_path / "pairs"


FUSE = ("run", "--visible", "pairs", "--infrared", "pairs", "--model", "average")
PAGE = (*FUSE, "--view", "web", "--port", "0")


@pytest.mark.parametrize("name", [LONG, ZERO, ""], ids=["long", "zero byte", "empty"])
@pytest.mark.parametrize(
    "words",
    [
        (*FUSE, "--out"),
        (*FUSE, "--json"),
        ("run", "--visible", "pairs", "--infrared", "pairs", "--model"),
        ("record",),
        ("export",),
        ("calibrate", "--frames", "pairs"),
        ("score", "--visible", "pairs", "--infrared", "pairs"),
    ],
    ids=lambda words: " ".join((words[0], words[-1])),
)
def test_a_name_that_no_file_can_have_is_refused_and_not_repeated_at_length(words: tuple[str, ...], name: str) -> None:
    before = sorted(Path().rglob("*"))
    ended = command(*words, name, *(("--out", "night") if words == ("record",) else ()))
    assert ended.code == 2, ended.err
    assert "unexpectedly" not in ended.err
    assert len(ended.err) < 20_000
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("name", [LONG, ZERO], ids=["long", "zero byte"])
def test_a_folder_for_captures_with_such_a_name_is_refused_before_the_page_opens(name: str) -> None:
    ended = command(*PAGE, "--captures", name)
    assert (ended.code, "unexpectedly" in ended.err) == (2, False)


@pytest.mark.skipif(sys.platform != "linux", reason="it has /proc")
@pytest.mark.parametrize("words", [("record", "--out", "night"), ("run",), ("soak", "--minutes", "0.1"), ("align",)])
def test_a_file_that_does_not_give_its_bytes_is_refused(words: tuple[str, ...]) -> None:
    ended = command(*words, "/proc/self/mem")
    assert (ended.code, "Input/output error" in ended.err.replace("\n", " ")) == (2, True)
