"""CONTRIBUTING and the documents name files that exist, and no way to add something opens more than three."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED_FILE = re.compile(r"`((?:coconet|runtime|export|calibration|benchmarks|tests|docs)/[\w./-]*|setup\.py)`")
IN_COMMANDS = re.compile(r"(?<![\w/.-])((?:tests|benchmarks|docs)/[\w/-]+\.(?:py|md|jpg|png))")
MODULE = re.compile(r"python -m (coconet\.[\w.]+)")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
MOST_FILES = 12
"""In a room, as tests/system/test_rooms.py holds it."""

TO_ADD = (
    *("a camera", "a file format", "a precision", "a network", "a view", "a method of alignment", "a sink"),
    *("a backend", "a command", "a metric"),
)


def find_rows() -> dict[str, list[str]]:
    """Return the files that each row of the table of CONTRIBUTING names, folders left out."""
    table = re.findall(r"^\| (\w[^|]+) \| ([^|]+) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return {what: [name for name in NAMED_FILE.findall(way) if not name.endswith("/")] for what, way in table}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    modules = [name.removeprefix("coconet.").replace(".", "/") + ".py" for name in MODULE.findall(text)]
    names = NAMED_FILE.findall(text) + IN_COMMANDS.findall(text) + modules
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("what", TO_ADD)
def test_adding_something_opens_one_to_three_files_that_are_there(what: str) -> None:
    assert 1 <= len(find_rows()[what]) <= 3


def test_a_room_that_is_to_take_one_more_file_has_a_place_for_it() -> None:
    table = re.findall(r"^\| \w[^|]+ \| ([^|]+) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    rooms = {name for way in table for name in NAMED_FILE.findall(way) if name.endswith("/")}
    assert len(rooms) > 5
    assert {room for room in rooms if len([*(ROOT / room).glob("[!_]*.py")]) >= MOST_FILES} == set()
