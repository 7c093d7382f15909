"""The names that docs/stability.md promises to keep, and those of them that the code has now.

python -m tests.support.documents.stable_names writes the second into the first, for a new version.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

import coconet
from coconet.cards.engine_card import EngineCard
from coconet.cards.model_card import CARD_KEY, FUSED, INFRARED, VISIBLE, WARP, CalibrationRecord, FrontEnd, ModelCard
from coconet.cards.model_card import Signature as ModelSignature
from coconet.cli import app
from coconet.installation.catalogue import GROUPS
from coconet.runtime.rig.rig_file import Rig
from tests.support.documents.api_page import public_names
from tests.support.documents.rig_tables import keys_of, rig_tables

PROMISED = Path(__file__).with_name("stable-names.txt")
"""A name a line, by kind."""


def promised_names() -> set[str]:
    """Return what the last version promised."""
    return set(PROMISED.read_text().splitlines())


def present_names() -> set[str]:
    """Return the names of every kind that the code has."""
    return {*_commands(), *_rig_keys(), *_cards(), *_api()}


def _commands() -> Iterator[str]:
    program: Any = get_command(app)
    with typer.Context(program, info_name="coconet") as context:
        for group, words in GROUPS.items():
            for word in words if group != "Developer" else ():
                yield from _options(f"coconet {word}", program.get_command(context, word), context)


def _options(name: str, command: Any, parent: Any) -> Iterator[str]:
    yield f"command {name}"
    with typer.Context(command, info_name=name, parent=parent) as context:
        for one in command.params:
            if not getattr(one, "hidden", False):
                yield from (f"command {name} {word}" for word in (*one.opts, *one.secondary_opts) if word[0] == "-")
        for word in command.list_commands(context) if hasattr(command, "list_commands") else ():
            yield from _options(f"{name} {word}", command.get_command(context, word), context)


def _rig_keys() -> Iterator[str]:
    for name, table in rig_tables("", Rig):
        yield from (f"rig [{name}] {key}" for key, _, _ in keys_of(table))


def _cards() -> Iterator[str]:
    yield from (f"graph {name}" for name in (CARD_KEY, VISIBLE, INFRARED, WARP, FUSED))
    for card in (ModelCard, ModelSignature, CalibrationRecord, FrontEnd, EngineCard):
        yield from (f"card {card.__name__} {one.name}" for one in fields(card))


def _api() -> Iterator[str]:
    for code in coconet.ExitCode:
        yield f"exit code {code.value} {code.name}"
    for name in public_names():
        one = getattr(coconet, name)
        yield f"api coconet.{name}"
        if inspect.isfunction(one):
            yield from (f"api coconet.{name} {word}" for word in inspect.signature(one).parameters)
        elif is_dataclass(one):
            yield from (f"api coconet.{name}.{field.name}" for field in fields(one))


if __name__ == "__main__":
    PROMISED.write_text("".join(f"{name}\n" for name in sorted(present_names())))
