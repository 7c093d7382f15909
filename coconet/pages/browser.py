"""A page that is opened in a browser from the terminal, if there is a screen to see it on."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from coconet.errors import Refused, first_line

OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in a browser; over SSH, say where it is.")]
"""The option of every command that writes a page."""

_TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")
"""What the standard library starts where no other is installed: it would take the terminal over."""


def check_open(asked: bool, page: object, option: str = "--html") -> None:
    """Raise Refused if a page is to be opened and none is written; called before anything is done."""
    if asked and page is None:
        raise Refused(
            "--open",
            wanted=f"{option} beside it",
            got="no page",
            remedy=f"Pass {option} PAGE too, or leave --open out.",
            says="has no page to open",
        )


def open_page(page: Path) -> None:
    """Open a page, or say on stderr where it lies and why it was not opened. Never raises."""
    reason = _hindrance()
    if not reason:
        try:
            reason = "" if _start(page) else "no browser was found"
        except (webbrowser.Error, OSError, ValueError) as error:
            reason = first_line(error)
    if reason:
        from coconet.terminal.console import Console

        Console(stderr=True).print(f"{page} was not opened: {reason}. Open it in a browser.", soft_wrap=True)


def _hindrance() -> str:
    """Say why there is no screen here; nothing if there is one, or might be."""
    if any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        return "this is a session over SSH"
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # of WSL, BROWSER alone may be set
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        return "there is no screen here"
    return ""


def _start(page: Path) -> bool:
    address = page.resolve().as_uri()
    found = webbrowser.get()
    if getattr(found, "name", "") in _TEXT_BROWSERS:
        return False
    return found.open(address)
