"""The stopping rule: how long a model is measured, and when that is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from coconet.benchmarks.results.intervals import quantile_interval
from coconet.errors import CoconetError, counted

SETTLED_SHARE = 0.10
"""A p99 counts as settled once its 95 % interval is no wider than this share of it."""

TAIL = 0.99

PROCESS_S, LEAST_PROCESSES = 1.0, 10
"""What a process is timed for, less if that leaves no time for all of them. Now and then a process is a
tenth off its model's other ones for as long as it lives: a model is known by many short-lived ones."""

SETTLED_PROCESSES = 20
"""This many have to agree on a p99 before it counts as settled: some seconds of a machine are not how it always is."""


@dataclass(frozen=True)
class StoppingRule:
    """When to stop measuring a model.

    least: timed frames at least. limit_s: timed seconds after which it is enough, whatever the p99 does.
    repeats: exactly this many timed frames instead, if given.
    endurance: at least ENDURANCE_FRAMES frames and ENDURANCE_S seconds instead: one frame after the other, each begun
        when the last is done, judged by its 90th percentile.
    """

    least: int = 5
    limit_s: float = 20.0
    repeats: int | None = None
    endurance: bool = False
    warmup: int = 2

    def __post_init__(self) -> None:
        if self.endurance and self.repeats is not None:
            raise CoconetError(
                "repeats",
                wanted="either a number of repeats or the endurance rule",
                got="both",
                remedy="Leave one of the two out.",
                says="cannot be combined with the endurance rule",
            )

    @property
    def process_ms(self) -> float:
        """What a process is timed for before a fresh one takes over. Endurance is that of a single one."""
        return math.inf if self.endurance else 1e3 * min(PROCESS_S, self.limit_s / LEAST_PROCESSES)

    def enough(self, samples_ms: Sequence[float], processes: int) -> bool:
        """Whether these timed frames, of this number of processes, suffice."""
        count, total_s = len(samples_ms), sum(samples_ms) / 1e3
        if self.repeats is not None:
            return count >= self.repeats
        if self.endurance:
            return count >= ENDURANCE_FRAMES and total_s >= ENDURANCE_S
        known = processes >= SETTLED_PROCESSES and is_settled(samples_ms)
        return count >= self.least and (total_s >= self.limit_s or known)

    def share_done(self, samples_ms: Sequence[float], processes: int) -> float:
        """How far along that is, 0..1, for a progress bar."""
        count, total_s = len(samples_ms), sum(samples_ms) / 1e3
        if self.repeats is not None:
            return min(1.0, count / self.repeats)
        if self.endurance:
            return min(1.0, count / ENDURANCE_FRAMES, total_s / ENDURANCE_S)
        return 1.0 if self.enough(samples_ms, processes) else min(0.99, count / self.least, total_s / self.limit_s)

    def __str__(self) -> str:
        if self.repeats is not None:
            return f"{self.repeats} timed frames of every model"
        if self.endurance:
            return f"endurance: at least {ENDURANCE_FRAMES} frames and {ENDURANCE_S} s of every model, judged by p90"
        known = f"until the p99 of {SETTLED_PROCESSES} processes is known to {SETTLED_SHARE:.0%}"
        return f"{known}, {self.limit_s:g} s at most, {counted(self.least, 'frame')} at least"


ENDURANCE_FRAMES = 1024

ENDURANCE_S = 600


def is_settled(samples_ms: Sequence[float]) -> bool:
    """Whether the p99 of these samples would come out about the same if they were taken again at once."""
    found = quantile_interval(samples_ms, TAIL)
    return found is not None and found.high - found.low <= SETTLED_SHARE * found.value
