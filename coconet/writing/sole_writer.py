"""One writer at a time: what one process writes over a while is refused to a second one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coconet.errors import CoconetError
from coconet.files import writing_to
from coconet.writing.scratch import lock_unfinished


@contextmanager
def sole_writer(path: Path, output: Path | None = None) -> Iterator[None]:
    """Hold a file or folder for the length of a block; a killed process holds nothing.

    output: what an error names in its place. Raises CoconetError while another process holds it.
    """
    with writing_to(path):
        lock = lock_unfinished(path)
    if lock is None:
        raise CoconetError(
            output or path,
            wanted="an output that nothing else writes",
            got="one that another run is writing",
            remedy="Choose another name, or stop that run.",
            says="is being written by another run",
        )
    try:
        yield
    finally:
        os.close(lock)
