"""The help of every command: each option says what it is, and every default is shown in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from coconet.cli import app

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
