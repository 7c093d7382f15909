"""Turns: of processes that are about to do the same work one does it, and the others wait for what comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there the work is done twice
    fcntl = None  # type: ignore[assignment]


@contextmanager
def turn_at(place: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold `place`, a file of no content, for the length of a block; it goes at the end, and with the process.

    waiting: is called before another process is waited for; if it raises, the other one keeps its turn. If no such
    file can be made, there is no wait.
    """
    handle = _open_place(place)
    if handle is None or fcntl is None:
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):  # the next one that comes makes another; who waits for this one has it all the same
                place.unlink()
    finally:
        os.close(handle)


def _open_place(place: Path) -> int | None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None
