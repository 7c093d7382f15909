"""The reference of the documentation site, made from the code: commands, rig keys, the API, exit codes, metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc, getdoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.main import get_command

from coconet.cli import app
from coconet.errors import ExitCode
from coconet.installation.catalogue import GROUPS
from coconet.metrics import fusion
from coconet.runtime.rig.rig_file import Rig
from tests.support.documents.api_page import api_page
from tests.support.documents.markdown import page_of, plain, table_lines
from tests.support.documents.rig_tables import keys_of, models_in, rig_tables

_MEANING = re.compile(r"((?:[A-Z]+, )*[A-Z]+): (.+?)(?=\s(?:[A-Z]+, )*[A-Z]{4,}: |\Z)", re.DOTALL)
"""Names of exit codes and what their docstring says of them."""


def reference_pages() -> dict[str, str]:
    """Return the text of each page by its path in the site."""
    return {
        "reference/commands.md": commands_page(),
        "reference/rig-keys.md": rig_keys_page(),
        "reference/api.md": api_page(),
        "reference/exit-codes.md": exit_codes_page(),
        "reference/metrics.md": metrics_page(),
    }


def commands_page() -> str:
    """Return every command with its arguments and options, as its own help has them."""
    program: Any = get_command(app)
    lines = ["# Commands", "", "What `coconet COMMAND --help` says, of every command."]
    with typer.Context(program, info_name="coconet") as context:
        for group, words in GROUPS.items():
            lines += ["", f"## {group}"]
            for word in words:
                lines += _command(f"coconet {word}", program.get_command(context, word), context)
    return page_of(lines)


def _command(name: str, command: Any, parent: Any) -> Iterator[str]:
    yield from ("", f"### {name}", "", *plain(command.help or "").splitlines(), "")
    with typer.Context(command, info_name=name, parent=parent) as context:
        rows = [_option(one) for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
        yield from table_lines(("option", "default", "what it is"), rows)
        for word in command.list_commands(context) if hasattr(command, "list_commands") else ():
            yield from _command(f"{name} {word}", command.get_command(context, word), context)


def _option(one: Any) -> tuple[str, str, str]:
    words = [*one.opts, *one.secondary_opts] if one.opts[0].startswith("-") else [(one.metavar or one.name).upper()]
    shown = getattr(one, "show_default", False)
    default = shown if isinstance(shown, str) else _default(one.default)
    return ", ".join(f"`{word}`" for word in words), default, plain(getattr(one, "help", None) or "")


def _default(value: object) -> str:
    if value in (None, False, ()) or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def rig_keys_page() -> str:
    """Return every table of a rig file with its keys, their types and defaults."""
    lines = ["# Keys of a rig file", "", "[Setting up a rig](../rig.md) says how they are used."]
    for name, table in rig_tables("", Rig):
        lines += ["", f"## {f'[{name}]' if name else 'At the top'}", "", *plain(getdoc(table) or "").splitlines(), ""]
        rows = [(f"`{key}`", f"`{_type(kind)}`", default) for key, kind, default in keys_of(table)]
        lines += table_lines(("key", "takes", "default"), rows)
    return page_of(lines)


def _type(kind: Any) -> str:
    """A type in words: without its limits, which the docstring of the table says."""
    if isinstance(kind, str):  # of a dataclass
        return kind
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " or ".join(_type(one) for one in inner if one is not NoneType)
    if origin is not None:
        return f"{origin.__name__}[{', '.join('...' if one is ... else _type(one) for one in inner)}]"
    return "table" if models_in(kind) else str(getattr(kind, "__name__", kind))


def exit_codes_page() -> str:
    """Return what each exit code of a command says."""
    meanings = {
        name: " ".join(text.split())
        for names, text in _MEANING.findall(cleandoc(ExitCode.__doc__ or ""))
        for name in names.split(", ")
    }
    rows = [(str(code.value), code.name.lower(), meanings[code.name]) for code in ExitCode]
    return page_of(
        ["# Exit codes", "", "What a command ends with.", "", *table_lines(("code", "name", "what it says"), rows)]
    )


def metrics_page() -> str:
    """Return every metric of fused pictures with its definition."""
    described = {doc.partition(":")[0]: doc for doc in map(getdoc, vars(fusion).values()) if doc and ":" in doc}
    lines = ["# Metrics", "", *plain(getdoc(fusion) or "").splitlines()]
    for metric in fusion.METRICS:
        more = "Higher is better." if metric.higher_is_better else "Lower is better."
        ranked = "" if metric.ranked else " It does not count in the mean rank of `coconet score`."
        lines += ["", f"## {metric.name}", "", *plain(described[metric.name]).splitlines(), "", f"{more}{ranked}"]
    return page_of(lines)
