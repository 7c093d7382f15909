"""One writer at a time: what one process writes over a while is refused to a second one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coconet.files import writing_to
from coconet.writing.held import being_written
from coconet.writing.scratch import lock_unfinished


def hold_made(path: Path, output: Path) -> int:
    """Hold a file or folder that this process has just made, until the handle is closed.

    Raises CoconetError about `output` if another process took it in between, or removed it as one that broke off.
    """
    lock = lock_unfinished(path)
    if lock is None:
        raise being_written(output)
    if path.exists() and os.path.samestat(os.fstat(lock), path.stat()):
        return lock
    os.close(lock)
    raise being_written(output)


@contextmanager
def sole_writer(path: Path, output: Path | None = None) -> Iterator[None]:
    """Hold a file or folder for the length of a block; a killed process holds nothing.

    output: what an error names in its place. Raises CoconetError while another process holds it.
    """
    with writing_to(path):
        lock = lock_unfinished(path)
    if lock is None:
        raise being_written(output or path)
    try:
        yield
    finally:
        os.close(lock)
