"""Signals that end a run in order: SIGINT (Ctrl-C), SIGTERM and SIGHUP set one Event, which all that waits looks at."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event, current_thread, main_thread
from types import FrameType

from coconet.runtime.threads.background import Background

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

_AGAIN_S = 1.0  # `timeout -s INT` and some shells send a signal twice, and mean it once


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """Give an Event that the signals set inside the block; outside the main thread, one that nothing sets.

    A signal that this process ignores stays ignored (nohup, a shell's background). Ctrl-C once more, a second later or
    after that, raises KeyboardInterrupt, for what does not look at the Event, such as a model that is being loaded.
    """
    stop = Event()
    if current_thread() is not main_thread():
        yield stop
        return
    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
    numbers = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    with ExitStack() as stack:
        # Event.set takes a lock that the interrupted thread may hold: a thread sets it, woken through a socket.
        heard, told = (stack.enter_context(end) for end in socket.socketpair())
        told.setblocking(False)
        watcher = Background(partial(_watch, heard, frozenset(numbers), stop), "signals")
        stack.callback(watcher.stop)
        stack.callback(told.shutdown, socket.SHUT_WR)
        watcher.start()
        before_fd = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        stack.callback(signal.set_wakeup_fd, before_fd)
        impatience = _SecondCtrlC()
        for number in numbers:
            stack.callback(signal.signal, number, signal.signal(number, impatience))
        yield stop


def _watch(heard: socket.socket, numbers: frozenset[int], stop: Event) -> None:
    while received := heard.recv(64):
        if numbers.intersection(received):
            stop.set()


class _SecondCtrlC:
    """Called in the main thread at each of the signals: raises KeyboardInterrupt if Ctrl-C comes once more."""

    def __init__(self) -> None:
        self._first_s: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        elif number == signal.SIGINT and now_s - self._first_s > _AGAIN_S:
            raise KeyboardInterrupt
