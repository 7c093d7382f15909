"""Speedup: how much faster one model fuses than another on this machine, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame import FramePair

ROUNDS = 15
"""How often both fuse; an odd number has a middle one."""


def measure_speedup(
    model: Backend,
    other: Backend,
    pair: FramePair,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """How many times as fast as `model` the `other` one fuses a pair: above 1 if it is faster.

    Both fuse once before anything counts, then in turns; the median of the quotients of neighbours, so that what
    disturbs the machine for a while slows both. clock: seconds.
    """
    for backend in (model, other):
        _seconds(backend, pair, clock)
    return median(_seconds(model, pair, clock) / _seconds(other, pair, clock) for _ in range(rounds))


def _seconds(backend: Backend, pair: FramePair, clock: Callable[[], float]) -> float:
    begin = clock()
    backend.fuse(pair.visible.pixels, pair.infrared.pixels)
    return max(clock() - begin, 1e-9)
