"""What lies below a folder: whether it counts, and what it is, said without an error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def found_by(look: Callable[[], bool]) -> bool:
    """What a look at a file says; nothing is behind a link to where nobody may look, or to what can be no name."""
    with suppress(OSError):
        return look()
    return False


def is_hidden(path: Path) -> bool:
    """Whether a part of a path, relative to the folder that was named, begins with a dot."""
    return any(part.startswith(".") for part in path.parts)
