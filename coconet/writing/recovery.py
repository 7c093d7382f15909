"""What a run that broke off has left unfinished, made whole under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coconet.files import free_name, unfinished, whole_file
from coconet.writing.sole_writer import sole_writer

Copy = Callable[[Path, Path], None]
"""Copies what can be read of the first file into a whole second one. Raises NothingReadable if that is nothing."""


class NothingReadable(Exception):
    """A file without a frame or message that can be read."""


def recover(path: Path, name: Path | None, copy: Copy) -> Path | None:
    """Make a whole file of what a run that broke off has left of `path`; give its name, None if there is nothing.

    name: what it is to be called; name-recovered.mp4 and so on if it is not given. What cannot be read is kept, as
    name-damaged.mp4.unfinished. Raises CoconetError while another process writes it.
    """
    scratch = unfinished(path)
    if not scratch.is_file():
        return None
    with sole_writer(scratch, path):
        try:
            return replace_by_copy(scratch, name or free_name(path, "recovered"), copy)
        except NothingReadable:
            if scratch.stat().st_size == 0:
                scratch.unlink()
            else:
                scratch.rename(unfinished(free_name(path, "damaged")))
            return None


def replace_by_copy(scratch: Path, goal: Path, copy: Copy) -> Path:
    """Copy an unfinished file into a whole one, and remove it; give the name of the copy. Raises what `copy` raises."""
    with whole_file(goal) as whole:
        copy(scratch, whole)
    scratch.unlink()
    return goal
