"""The help of every command: each option says what it is, and every default is shown in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from coconet.cli import app
from coconet.installation.option_groups import OPTION_GROUPS

PROGRAM: Any = get_command(app)


def commands(group: Any = PROGRAM, name: str = "coconet") -> Iterator[tuple[str, Any]]:
    with typer.Context(group, info_name=name) as context:
        for word in group.list_commands(context):
            found = group.get_command(context, word)
            yield f"{name} {word}", found
            if hasattr(found, "list_commands"):
                yield from commands(found, f"{name} {word}")


ALL = dict(commands())
OPTIONS = [
    pytest.param(one, id=f"{name} {one.name}")
    for name, command in ALL.items()
    for one in command.params
    if one.name not in ("help", "install_completion", "show_completion")
]


def test_commands_of_groups_are_looked_at_as_well() -> None:
    assert {"coconet run", "coconet bench", "coconet bench pick"} <= {*ALL}


@pytest.mark.parametrize("one", OPTIONS)
def test_an_option_says_what_it_is_as_a_sentence_and_leaves_its_default_to_the_brackets(one: Any) -> None:
    text = getattr(one, "help", None) or ""
    assert re.fullmatch(r"[^a-z].*[.)]", text, re.DOTALL), text
    assert not re.search(r"\bdefaults?\b|when omitted|if left out|if not given|[Rr]epeatable|several times", text), text


@pytest.mark.parametrize("one", OPTIONS)
def test_no_text_in_brackets_is_lost_as_markup(one: Any) -> None:
    assert not re.search(r"(?<!\\)\[[a-z@#/][^]]*\]", getattr(one, "help", None) or "")


# fmt: off
VERBS = {
    "Accept", "Align", "Allow", "Ask", "Be", "Begin", "Build", "Calibrate", "Call", "Choose", "Compare", "Compute",
    "Count", "Cut", "Decode", "Draw", "Drop", "Encode", "Export", "Feed", "Find", "Fit", "Fix", "Follow", "Fuse",
    "Give", "Go", "Have", "Ignore", "Join", "Judge", "Keep", "Launch", "Lay", "Leave", "Let", "Listen", "Log",
    "Look", "Make", "Measure", "Move", "Name", "Offer", "Open", "Pad", "Pair", "Pick", "Print", "Profile",
    "Publish", "Put", "Read", "Record", "Refuse", "Repair", "Replace", "Run", "Say", "Scale", "Score", "Search",
    "Send", "Serve", "Show", "Split", "Spread", "Start", "Stop", "Stretch", "Take", "Test", "Time", "Train", "Try",
    "Use", "Validate", "Watch", "Write",
}
# fmt: on


@pytest.mark.parametrize("one", OPTIONS)
def test_an_option_begins_with_what_it_does(one: Any) -> None:
    assert one.param_type_name == "argument" or one.help.split()[0].rstrip(",;:") in VERBS


@pytest.mark.parametrize("name", ALL)
def test_a_command_begins_with_what_it_does(name: str) -> None:
    assert ALL[name].help.split()[0].rstrip(",") in VERBS


@pytest.mark.parametrize("name", ALL)
def test_h_shows_the_help_and_every_default_stands_there_without_brackets_of_its_own(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split()[1:], "-h"], env={"COLUMNS": "300"})
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert "default: (" not in shown.output


@pytest.mark.parametrize("name", OPTION_GROUPS)
def test_every_option_of_a_long_help_stands_under_a_heading(name: str) -> None:
    options = [one for one in ALL[f"coconet {name}"].params if one.param_type_name == "option" and one.name != "help"]
    assert [one.name for one in options if one.rich_help_panel is None] == []
    known = {word for words in OPTION_GROUPS[name].values() for word in words.split()}
    assert known <= {opt.removeprefix("--") for one in options for opt in one.opts}
