"""A folder that is made for what is written into it: a command that is refused before that leaves none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coconet.files import make_folder


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder and those above it; if the block ends with an error, those of them that are empty are removed.

    What was there before stays, empty or not. Raises CoconetError as make_folder does.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    make_folder(folder)
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # one holds something, and so do all above it
            for one in made:
                one.rmdir()
        raise
