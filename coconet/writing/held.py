"""What another process is writing at this moment, told by the lock that it holds."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from coconet.errors import CoconetError
from coconet.writing.scratch import lock_unfinished


def is_held(path: Path) -> bool:
    """Whether another process writes a file or folder; one that is not there, or may not be opened, is nobody's."""
    with suppress(OSError):
        if (lock := lock_unfinished(path)) is None:
            return True
        os.close(lock)
    return False


def check_not_held(path: Path, output: Path) -> None:
    """Raise CoconetError about `output` if another process writes `path`, which becomes it."""
    if is_held(path):
        raise being_written(output)


def being_written(output: Path) -> CoconetError:
    """The error for an output that another process is writing."""
    return CoconetError(
        output,
        wanted="an output that nothing else writes",
        got="one that another run is writing",
        remedy="Choose another name, or stop that run.",
        says="is being written by another run",
    )
