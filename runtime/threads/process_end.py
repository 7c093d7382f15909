"""The end of the process: what works in daemon threads ends before the interpreter does, which would cut it off.

Python ends a daemon thread in the first call it makes after the interpreter is gone. On its way out of C++ (OpenCV,
FFmpeg, ONNX Runtime) that aborts the process: `terminate called without an active exception`.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from threading import Condition, Thread, current_thread
from typing import Protocol
from weakref import WeakSet

PATIENCE_S = 2.0
"""How long threads that were asked to end are waited for. What is stuck in a driver ends with the process."""

CALL_S = 10.0
"""How long a call into a library is waited for, which nothing can ask to end: a model that is loaded, or fuses."""


_LONG_S = 3600.0  # longer than any interpreter takes to end: a thread that wakes up meanwhile is cut off after all


class Stage(IntEnum):
    """In which order things end: first what pairs come from, so that the loops that take them end by themselves.

    Then, before the other threads, calls under way in a user's daemon threads are waited for.
    """

    PAIRS = 0
    THREADS = 1


class EndsWithProcess(Protocol):
    """Something that is open, and may still be when the process ends."""

    def end_within(self, patience_s: float) -> None:
        """End, and wait for that at most this long; a second call does nothing."""


class _Calls:
    """The daemon threads that are inside a call into a library now."""

    def __init__(self) -> None:
        self._changed, self._threads, self._over = Condition(), set[Thread](), False

    def enter(self, thread: Thread) -> bool:
        """Note the thread; False if it is inside already. Does not return once the process ends."""
        with self._changed:
            if thread in self._threads:
                return False
            if not self._over:
                self._threads.add(thread)
                return True
        while True:  # an exception would leave blocks and free what they hold, which is calls into libraries again
            time.sleep(_LONG_S)

    def leave(self, thread: Thread) -> None:
        with self._changed:
            self._threads.remove(thread)
            self._changed.notify_all()

    def end_within(self, patience_s: float) -> None:
        """Let no thread in any more, and wait for those inside."""
        with self._changed:
            self._over = True
            self._changed.wait_for(lambda: not self._threads, patience_s)


_OPEN: dict[Stage, WeakSet[EndsWithProcess]] = {stage: WeakSet() for stage in Stage}
_CALLS = _Calls()


def note_open(thing: EndsWithProcess, stage: Stage) -> None:
    """Let `thing` end with the process, unless it is noted as closed, or not used any more, before."""
    _OPEN[stage].add(thing)


def note_closed(thing: EndsWithProcess, stage: Stage) -> None:
    """Say that it has ended by itself."""
    _OPEN[stage].discard(thing)


@contextmanager
def finished_before_the_end() -> Iterator[None]:
    """Let the end of the process wait for the block, which calls into a library and may run in a daemon thread.

    Once the process ends, a daemon thread that comes here stays here. Other threads are waited for anyway.
    """
    thread = current_thread()
    if not (thread.daemon and _CALLS.enter(thread)):
        yield
        return
    try:
        yield
    finally:
        _CALLS.leave(thread)


def end_everything() -> None:
    """End whatever is open, one stage after the other; called as the process ends."""
    _end(Stage.PAIRS)
    _CALLS.end_within(CALL_S)
    _end(Stage.THREADS)


def _end(stage: Stage) -> None:
    until_s = time.monotonic() + PATIENCE_S
    for thing in tuple(_OPEN[stage]):
        thing.end_within(max(0.0, until_s - time.monotonic()))


def _forget_everything() -> None:
    """In a forked process the threads are gone, and the devices are those of the parent."""
    global _CALLS  # noqa: PLW0603  its lock may be held by a thread that is gone
    _CALLS = _Calls()
    for things in _OPEN.values():
        things.clear()


atexit.register(end_everything)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_everything)
