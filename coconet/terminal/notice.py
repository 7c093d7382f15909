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
    """Print a sentence on stderr, whatever letters are in it; if nobody reads that, it is not said."""
    _print(harmless(sentence))


def print_notice(sentence: str, kind: str = "warning") -> None:
    """Print a sentence on stderr as `print_line` does, after the word of its kind: error, warning or note."""
    word = f"{kind}:"
    if _shows_colours():
        word = typer.style(word, fg=_COLOURS[kind], bold=kind == "error" or None)
    _print(f"{word} {harmless(sentence)}")


def _print(line: str) -> None:
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def on_terminal() -> bool:
    """Whether stderr is a terminal that can take back what was drawn on it."""
    there = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
    return there and os.environ.get("TERM") not in ("dumb", "unknown")


def _shows_colours() -> bool:
    """Whether stderr shows colours and the user wants them, as the library of the tables decides it."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or on_terminal()
