"""Sentences on stderr: an error, a warning or a note. What draws tables takes too long to import for one of these."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import typer

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\ufffd")
"""What may move a cursor or colour a terminal; line feeds and tabulators may not."""

_COLOURS = {"error": "red", "warning": "yellow", "note": "yellow"}


def harmless(text: str) -> str:
    """The same text, with a sign in place of each control character: a file may have any in its names."""
    return text.translate(_CONTROLS)


def print_line(sentence: str) -> None:
    """Print a sentence on stderr."""
    _say(harmless(sentence))


def print_notice(sentence: str, kind: str = "warning") -> None:
    """Print a sentence on stderr, after the word of its kind: error, warning or note."""
    word = f"{kind}:"
    if _shows_colours():
        word = typer.style(word, fg=_COLOURS[kind], bold=kind == "error" or None)
    _say(f"{word} {harmless(sentence)}")


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads any more, which is no reason to end
        typer.echo(line, err=True)


def _shows_colours() -> bool:
    """Whether stderr shows colours, and the user wants them."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
