"""What lies below a folder: whether it counts, and what it is, said without an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path


def found_by(look: Callable[[], bool]) -> bool:
    """What a look at a file says; nothing is behind a link to where nobody may look, or to what can be no name."""
    with suppress(OSError):
        return look()
    return False


def entries_below(folder: Path) -> Iterator[Path]:
    """Give every file and folder below a folder, at any depth and in no order; links to folders are not followed.

    What is removed while this looks, and what may not be read, is left out.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place, name)


def is_hidden(path: Path) -> bool:
    """Whether a part of a path, relative to the folder that was named, begins with a dot."""
    return any(part.startswith(".") for part in path.parts)
