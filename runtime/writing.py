"""Writing: what the operating system refuses, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coconet.errors import CoconetError


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into a CoconetError about `path`."""
    try:
        yield
    except OSError as error:
        raise CoconetError(
            path,
            wanted="a place that can be written to",
            got=error.strerror or str(error),
            remedy="Choose another place, or free space and give yourself the right to write there.",
        ) from error
