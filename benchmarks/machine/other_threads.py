"""What another Python thread gets done while one waits for frames: cameras, pairing and the page are such threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from coconet.runtime.threads.background import Background

ROUNDS = 7

TICK_S, ALONE_TICKS = 0.001, 100

SPAN_S = 0.25


class Ticker:
    """A thread that wakes every TICK_S and counts, for the length of a `with` block: it needs Python and no processor.

    Like a thread that waits for a camera it is late when Python is held, and not when the machine is merely busy.
    """

    def __init__(self) -> None:
        self._count, self._thread = 0, Background(self._run, "ticker")

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()

    def rate_alone(self) -> float:
        """How often per second it wakes while this thread sleeps, over ALONE_TICKS of its wakings."""
        begun, counted = time.perf_counter(), self._count
        while self._count - counted < ALONE_TICKS:
            time.sleep(SPAN_S / 10)
        return (self._count - counted) / (time.perf_counter() - begun)

    def rate_during(self, work: Callable[[], object]) -> float:
        """How often per second it wakes while this thread does some work, again and again for SPAN_S at least."""
        begun, counted = time.perf_counter(), self._count
        while time.perf_counter() - begun < SPAN_S:
            work()
        return (self._count - counted) / (time.perf_counter() - begun)

    def _run(self) -> None:
        while not self._thread.stopping.wait(TICK_S):
            self._count += 1


def share_left_by(work: Callable[[], object]) -> float:
    """How often another thread wakes while `work` runs, as a share of how often it does while this one sleeps.

    Both in turns, ROUNDS times; the median of the shares.
    """
    with Ticker() as other:
        shares = []
        for _ in range(ROUNDS):
            alone = other.rate_alone()
            shares.append(other.rate_during(work) / alone)
    return median(shares)
