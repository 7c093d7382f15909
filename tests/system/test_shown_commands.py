"""What documents tell a user to type exists: commands, their options, modules and what make makes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from typer.main import get_command

from coconet.cli import app
from coconet.model_names import ONNX_WORDS, model_path
from tests.support.documents.install_lines import ROOT
from tests.support.documents.shown_commands import ShownCommand, shown_commands

SHOWN = shown_commands()
OURS = [one for one in SHOWN if one.words[0] == "coconet"]
MODULES = [one for one in SHOWN if one.words[1:2] == ("-m",) and one.words[2].startswith(("coconet", "tests"))]
MADE = [one for one in SHOWN if one.words[0] == "make" and len(one.words) > 1]

USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])

PROGRAM: Any = get_command(app)


def place_and_words(one: ShownCommand) -> str:
    return f"{one.place} {' '.join(one.words[:3])}"


def find_sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def parsed(command: Any, words: tuple[str, ...]) -> list[str]:
    """Read options as a command does, and give what is left over; a word of another command is followed."""
    with typer.Context(command, info_name="coconet") as context:
        names = command.list_commands(context) if hasattr(command, "list_commands") else []
        if names and hasattr(command, "default") and words and words[0] not in names:
            words = (command.default, *words)
        spelled_out = command.spell_out(list(words)) if hasattr(command, "spell_out") else list(words)
        _, rest, _ = command.make_parser(context).parse_args(spelled_out)
        if not names or not rest:
            return list(rest)
        assert rest[0] in names, f"{rest[0]} is no command"
        return parsed(command.get_command(context, rest[0]), tuple(rest[1:]))


def test_commands_are_found_in_every_kind_of_place() -> None:
    documents = {one.place.partition(":")[0] for one in OURS}
    assert {"README.md", "docs/install.md", "docs/desktop.md", "docs/jetson.md", "docs/live.md"} <= documents
    assert ("coconet", "doctor") in {one.words for one in OURS}
    assert MADE
    assert MODULES


SOURCES = [
    path for room in ("coconet", "runtime", "export", "calibration", "benchmarks") for path in find_sources(room)
]


def test_what_a_message_puts_into_a_command_to_type_is_quoted() -> None:
    begun = rf"coconet (?:{'|'.join(PROGRAM.commands)})(?: -{{0,2}}\w[\w-]*)* {{(?!shlex\.)"
    assert [f"{path}: {found[0]}" for path in SOURCES for found in re.finditer(begun, path.read_text())] == []


@pytest.mark.parametrize("one", OURS, ids=place_and_words)
def test_a_shown_command_and_its_options_exist(one: ShownCommand) -> None:
    named = one.words[-1].startswith("--")  # a sentence may name an option without what it takes
    try:
        assert parsed(PROGRAM, one.words[1:]) == []
    except USAGE_ERROR:
        assert named
        assert parsed(PROGRAM, (*one.words[1:], "VALUE")) == []


@pytest.mark.parametrize("guide", ["docs/desktop.md", "docs/jetson.md"])
def test_a_guide_builds_only_what_everybody_has_and_runs_only_what_it_built(guide: str) -> None:
    built = set()
    for one in (one for one in OURS if one.place.startswith(guide)):
        words = one.words[1:]
        if words[:1] == ("build",) and len(words) > 1:
            assert {"--min", "--opt", "--max"} <= {*words}  # shipped networks take any size
            built.add(model_path(words[1]).stem if words[1] in ONNX_WORDS else words[1])
        for name in (word for word in words if word.endswith(".engine") and not word.startswith("model.")):
            assert any(name.startswith(f"{stem}.") for stem in built), name
    assert built <= {model_path(word).stem for word in ONNX_WORDS}


@pytest.mark.parametrize("one", MODULES, ids=place_and_words)
def test_a_shown_module_exists(one: ShownCommand) -> None:
    assert importlib.util.find_spec(one.words[2]) is not None


@pytest.mark.parametrize("one", MADE, ids=place_and_words)
def test_make_makes_what_is_shown(one: ShownCommand) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(one.words[1:]) <= set(targets)


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="--colour"):
        parsed(PROGRAM, ("run", "rig.toml", "--colour", "red"))
    with pytest.raises(AssertionError, match="paint is no command"):
        parsed(PROGRAM, ("paint",))
