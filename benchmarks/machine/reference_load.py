"""The reference load: a fixed job timed between turns, which says how steady the machine itself was."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from coconet.installation.processor import usable_cores

VALUES = 65_536

EXPONENTIALS = 64
"""A core takes some milliseconds for this many: long enough to be disturbed by what disturbs a network."""

REPEATS = 8
"""The median of this many is how fast the machine was just then; a single one is more chance than that."""


def yardstick_ms(clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """Take the same exponentials as ever, on every core at once, and give the median time of some runs.

    clock: gives the time in ns; it is read before and after each run.

    No matrix product: the threads of a BLAS go on spinning for a tenth of a second after it, and whatever is timed next
    shares its cores with them.
    """
    return statistics.median(_once_ms(clock) for _ in range(REPEATS))


def spread(samples_ms: Sequence[float]) -> float:
    """How far the machine wandered: the distance of the 10th and 90th percentile as a share of the median."""
    low, middle, high = np.percentile(list(samples_ms), (10, 50, 90))
    return float((high - low) / middle)


def _once_ms(clock: Callable[[], int]) -> float:
    started_ns = clock()
    list(_threads().map(_exponentials, _buffers()))
    return (clock() - started_ns) / 1e6


def _exponentials(buffer: NDArray[np.float32]) -> None:
    for _ in range(EXPONENTIALS):
        np.exp(_values(), out=buffer)


@cache
def _threads() -> ThreadPoolExecutor:
    """A thread for every core, which stays on it: left alone, two that wake at once may share one for a while."""
    cores: SimpleQueue[int] = SimpleQueue()
    for core in usable_cores():
        cores.put(core)
    return ThreadPoolExecutor(cores.qsize(), "yardstick", initializer=lambda: _stay_on(cores.get_nowait()))


def _stay_on(core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})  # 0 is the calling thread, not the process


@cache
def _buffers() -> list[NDArray[np.float32]]:
    """One for every core."""
    return [np.empty_like(_values()) for _ in usable_cores()]


@cache
def _values() -> NDArray[np.float32]:
    return np.asarray(np.random.default_rng(0).uniform(-1, 1, VALUES), np.float32)
