"""What a run that broke off has left unfinished, made whole under a name of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from coconet.files import free_name, unfinished, whole_file
from coconet.writing.sole_writer import sole_writer

RECOVERED = "recovered"
"""The word in the names of what was recovered."""

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
            return replace_by_copy(scratch, name or free_name(path, RECOVERED), copy)
        except NothingReadable:
            if scratch.stat().st_size == 0:
                scratch.unlink()
            else:
                scratch.rename(unfinished(free_name(path, "damaged")))
            return None


def recovered_beside(path: Path) -> str:
    """Say how many recovered files or recordings of a name lie beside it, if that is more than one; else nothing.

    They are what a camera saw and nobody has looked at yet, so none is ever removed or written over by itself; a run
    that is killed again and again must not fill a disk unseen, either.
    """
    name = re.compile(rf"{re.escape(path.stem)}-{RECOVERED}(-\d+)?{re.escape(path.suffix)}")
    with suppress(OSError):
        found = [one for one in path.parent.iterdir() if name.fullmatch(one.name)]
        megabytes = sum(map(_bytes_of, found)) / 1e6
        if len(found) > 1:
            told = f"{len(found)} recovered ones of {path.name} lie there now, {megabytes:.0f} MB"
            return f" {told}: none is removed by itself, so remove what you do not need."
    return ""


def _bytes_of(place: Path) -> int:
    return sum(one.stat().st_size for one in (place.rglob("*") if place.is_dir() else [place]) if one.is_file())


def replace_by_copy(scratch: Path, goal: Path, copy: Copy) -> Path:
    """Copy an unfinished file into a whole one, and remove it; give the name of the copy. Raises what `copy` raises."""
    with whole_file(goal) as whole:
        copy(scratch, whole)
    scratch.unlink()
    return goal
