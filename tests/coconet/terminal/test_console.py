"""What goes to a terminal is what was said: brackets in the name of a file or a model are no markup."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from coconet.terminal.console import Console

ODD = "[bold]x[/nope] :bomb: [link=http://x]"
ROOT = Path(__file__).resolve().parents[3]


def test_text_and_tables_are_printed_as_they_are() -> None:
    page, table = StringIO(), Table(title=ODD, caption=ODD)
    table.add_column(ODD, footer=ODD)
    table.add_row(ODD)
    console = Console(file=page, width=100)
    console.print(ODD)
    console.print(table)
    assert page.getvalue().count(ODD) == 5


def test_no_other_console_is_made_and_nothing_else_is_markup() -> None:
    files = [
        path
        for part in ("coconet", "runtime", "export", "calibration", "benchmarks")
        for path in (ROOT / part).rglob("*.py")
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files}
    assert [name for name, text in texts.items() if "from rich.console import" in text] == [
        "coconet/terminal/console.py"
    ]
    assert [
        name for name, text in texts.items() if re.search(r"\[(/|/?(bold|red|green|yellow|cyan)\b[^]]*)\]", text)
    ] == []


@pytest.mark.parametrize("kind", ["text", "string", "table"])
def test_control_characters_of_a_name_do_nothing_to_the_terminal(kind: str) -> None:
    name, file = "a\x1b[31mb\x07\x9b2J\r\x7fc", StringIO()
    table = Table("model")
    table.add_row(name)
    shown = {"text": Text.assemble(("error: ", "red"), name), "string": name, "table": table}[kind]
    Console(file=file, width=80).print(shown)
    assert "a\ufffd[31mb" in file.getvalue()
    assert not set(file.getvalue()) & {"\x1b", "\x07", "\x9b", "\r", "\x7f"}
