"""Latency of several models on the same frames, measured in turns so that a drifting machine is fair to all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coconet.benchmarks.latency.sampler import Window
from coconet.benchmarks.latency.stopping_rule import StoppingRule
from coconet.benchmarks.latency.worker import Worker, turn_ms
from coconet.benchmarks.machine.reference_load import yardstick_ms

TURN_MS = 300.0
"""What a turn lasts about; a slower model has one frame in it."""


@dataclass
class Timed:
    """What has been measured of one model so far: its turns, when they were, and the yardstick before each.

    processes: how many of the turns each process has taken.
    """

    worker: Worker
    effort: StoppingRule
    turns_ms: list[list[float]] = field(default_factory=list)
    yardstick_ms: list[float] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    warm_ms: float = 0.0
    opening_ms: float = 0.0

    @property
    def samples_ms(self) -> list[float]:
        """Every timed frame, in order."""
        return [sample for turn in self.turns_ms for sample in turn]

    @property
    def enough(self) -> bool:
        """Whether the effort is spent."""
        return self.effort.enough(self.samples_ms, len(self.processes))

    def warm_up(self) -> None:
        """Fuse frames that do not count, in a process that has not taken a turn yet."""
        self.warm_ms = min(self.worker.ask(turn_ms, 0, max(1, self.effort.warmup), False))
        self.opening_ms = self.worker.busy_ms
        self.processes.append(0)

    def take_turn(self) -> None:
        """Time some frames in a row, in a fresh process where the last has done its share.

        A quick model first gets a frame that does not count: the others had the caches.
        """
        timed_ms = self.worker.busy_ms - self.opening_ms
        if timed_ms >= max(self.effort.process_ms, self.opening_ms):
            self.worker.renew()
            self.warm_up()
        runs = max(1, round(TURN_MS / self.warm_ms)) if self.warm_ms else 1
        if self.effort.repeats is not None:
            runs = min(runs, self.effort.repeats - len(self.samples_ms), max(1, self.effort.repeats // 4))
        self.yardstick_ms.append(yardstick_ms())
        started_ns = time.monotonic_ns()
        self.turns_ms.append(self.worker.ask(turn_ms, len(self.samples_ms), runs, runs > 1))
        self.windows.append(Window(started_ns, time.monotonic_ns()))
        self.processes[-1] += 1


def measure(
    workers: Sequence[Worker], effort: StoppingRule, report: Callable[[list[Timed]], None] = lambda timed: None
) -> list[Timed]:
    """Warm every model up, then time turns of each, in a new random order each time, until all have had enough.

    The workers hold their frames already. report: called with all that there is after every turn; what it raises,
    and what a model raises, ends the measurement.
    """
    order = random.Random(0)  # noqa: S311  # a fair order, no secret
    timed = [Timed(worker, effort) for worker in workers]
    for one in timed:
        one.warm_up()
    while left := [one for one in timed if not one.enough]:
        order.shuffle(left)
        for one in left:
            one.take_turn()
            report(timed)
    return timed
