"""A command of ours called as the command line would call it, without a process of its own."""

from __future__ import annotations

from collections.abc import Callable

import typer
from typer.testing import CliRunner, Result

from coconet.errors import CoconetError


def call(command: Callable[..., None], *arguments: object) -> Result:
    """Call a command function with words; errors of ours are in the result's `exception`."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def complaint_of(command: Callable[..., None], *arguments: object) -> str:
    """Call a command that has to refuse its arguments, and give its sentence."""
    error = call(command, *arguments).exception
    assert isinstance(error, CoconetError), error
    return str(error)
