"""The command lines that documents show: of coconet, of our modules, and of make."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.documents.install_lines import DOCUMENTS, ROOT

PROGRAMS = ("coconet", "make", "python", "python3")

_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)

_INLINE = re.compile(r"`([^`]+)`")

_GOES_ON = "\x00"
"""Stands for the backslash and the end of a line that goes on in the next one."""

_ENDS = re.compile(r"^[|&;<>()]+$")
"""Where one command of a line ends and the next begins."""


@dataclass(frozen=True)
class ShownCommand:
    """A call of a program. place: document and line number. words: the program's name and what it is given."""

    place: str
    words: tuple[str, ...]


def shown_commands() -> list[ShownCommand]:
    """All that documents show, in their order."""
    paths = [path for pattern in DOCUMENTS if pattern.endswith(".md") for path in sorted(ROOT.glob(pattern))]
    return [one for path in paths for one in _commands_of(path)]


def _commands_of(path: Path) -> Iterator[ShownCommand]:
    text = path.read_text().replace("\\\n", _GOES_ON)
    for line, number in _lines(text):
        for words in _calls(line.replace(_GOES_ON, " ")):
            yield ShownCommand(f"{path.relative_to(ROOT)}:{number}", words)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Lines of shell and their numbers: those of blocks, and code inside a sentence."""
    for block in _BLOCK.finditer(text):
        start = block.start(1)
        for line in block[1].splitlines(keepends=True):
            yield line.strip(), _number(text, start)
            start += len(line)
    rest = _BLOCK.sub(lambda block: re.sub(f"[^\n{_GOES_ON}]", "", block[0]), text)
    for code in _INLINE.finditer(rest):
        yield " ".join(code[1].split()), _number(rest, code.start())


def _number(text: str, place: int) -> int:
    return 1 + sum(text.count(end, 0, place) for end in ("\n", _GOES_ON))


def _calls(line: str) -> Iterator[tuple[str, ...]]:
    try:
        found = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        found.whitespace_split = True
        words = [*found, ";"]
    except ValueError:  # a quotation mark that is an apostrophe: no line of a shell
        return
    call: list[str] = []
    for word in words:
        if not _ENDS.match(word):
            call.append(word)
            continue
        if call and call[0] in PROGRAMS:
            yield tuple(call)
        call = []
