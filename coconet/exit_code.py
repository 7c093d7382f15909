"""Exit codes: what ended a command, for whoever starts it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from coconet.errors import CoconetError


class ExitCode(IntEnum):
    """FINISHED: the end was reached, or somebody asked to stop. UNEXPECTED: an error of the program, with a traceback.

    REFUSED: an option, a file or a package does not fit; nothing was begun. CAMERA, MODEL, OUTPUT, PAGE: what could not
    be opened, or failed on the way.
    """

    FINISHED = 0
    UNEXPECTED = 1
    REFUSED = 2
    CAMERA = 3
    MODEL = 4
    OUTPUT = 5
    PAGE = 6


@contextmanager
def ending_with(code: ExitCode) -> Iterator[None]:
    """Let a CoconetError that comes out of the block end the command with `code`, unless it knows better already."""
    try:
        yield
    except CoconetError as error:
        if error.exit_code == ExitCode.REFUSED:
            error.exit_code = code
        raise
