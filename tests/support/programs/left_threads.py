"""Threads that a block has left behind; those of others, which may end meanwhile, do not count."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Fail if a thread that was started within the block is alive at its end."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()
