"""Self-test: the benchmark tested on itself, with a model against itself and against a slowed twin."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Event

from coconet.benchmarks.latency.entry import Entry
from coconet.benchmarks.latency.interleaved import Timed, measure
from coconet.benchmarks.latency.pictures import BenchFrames
from coconet.benchmarks.latency.stopping_rule import StoppingRule
from coconet.benchmarks.latency.worker import Opener, Worker
from coconet.benchmarks.results.compare import Comparison, Finding, versus_in_turns, versus_of
from coconet.benchmarks.results.schema import Row
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend


class SlowedBackend:
    """A backend made slower by a share of its own time, without changing a pixel: it keeps a core busy after each."""

    def __init__(self, backend: Backend, slower: float) -> None:
        self._backend, self._slower = backend, slower
        self.card, self.name = backend.card, f"{backend.name}, slowed by {slower:.0%}"

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse as the backend does, and then wait."""
        started = time.perf_counter()
        fused = self._backend.fuse(visible, infrared)
        until = time.perf_counter() + self._slower * (time.perf_counter() - started)
        while time.perf_counter() < until:
            pass
        return fused

    def close(self) -> None:
        """Close the backend."""
        self._backend.close()


def open_slowed(entry: Entry, slower: float) -> Backend:
    """Open an entry, slowed; a picklable opener with functools.partial."""
    return SlowedBackend(entry.open(), slower)


@dataclass(frozen=True)
class SelfTestPlan:
    """What is compared: an entry with itself and with a twin slowed by a share, each run for some timed seconds."""

    entry: Entry
    size: FrameSize
    seconds: float
    slower: float


@dataclass(frozen=True)
class SelfTestResult:
    """What came of it: findings of comparisons of equals and of slowed twins, in one run each or in two."""

    slower: float
    equal_in_turns: tuple[Comparison, ...]
    equal_apart: tuple[Comparison, ...]
    slowed_in_turns: tuple[Comparison, ...]
    slowed_apart: tuple[Comparison, ...]

    def lines(self) -> Iterator[str]:
        """Say it, a line a kind."""
        slowed_by = f"slowed by {self.slower:.0%}"
        yield _line("the same model, measured in turns", self.equal_in_turns, "no difference")
        yield _line("the same model, in two runs", self.equal_apart, "no difference")
        yield _line(f"{slowed_by}, measured in turns", self.slowed_in_turns, "slower")
        yield _line(f"{slowed_by}, in two runs", self.slowed_apart, "slower")


def compare_with_itself(trial: SelfTestPlan, rounds: int, report: Callable[[], None], stop: Event) -> SelfTestResult:
    """Compare N times, or until the round in which `stop` is set is over."""
    kinds: list[list[Comparison]] = []
    while len(kinds) < rounds and not stop.is_set():
        kinds.append(_round(trial))
        report()
    if not kinds:
        raise CoconetError(
            "honesty",
            wanted="one round at least",
            got="none",
            remedy="Let it run longer.",
            says="ended before one round was over",
        )
    return SelfTestResult(trial.slower, *zip(*kinds, strict=True))


def _round(trial: SelfTestPlan) -> list[Comparison]:
    """One comparison of each kind, in the order of the fields of SelfTestResult."""
    twin = partial(open_slowed, trial.entry, trial.slower)
    first, second, third = _in_turns(trial, trial.entry.open, trial.entry.open, twin)
    alone = [_in_turns(trial, opener)[0] for opener in (trial.entry.open, trial.entry.open, twin)]
    return [
        versus_in_turns(first, second),
        versus_of(alone[0], alone[1]),
        versus_in_turns(first, third),
        versus_of(alone[1], alone[2]),
    ]


def _in_turns(trial: SelfTestPlan, *openers: Opener) -> list[Row]:
    effort = StoppingRule(limit_s=trial.seconds)
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(f"{n}", opener)) for n, opener in enumerate(openers)]
        for worker in workers:
            worker.hold(BenchFrames().pairs(worker.loaded.card, trial.size))
        return [_row(trial, one) for one in measure(workers, effort)]


def _row(trial: SelfTestPlan, timed: Timed) -> Row:
    size = trial.size
    row = Row(entry=timed.worker.name, model="", runner="", height_px=size.height_px, width_px=size.width_px)
    return row.timed(timed.turns_ms, timed.yardstick_ms, timed.processes, complete=True)


def _line(what: str, found: tuple[Comparison, ...], wanted: Finding) -> str:
    counts = Counter(one.finding for one in found)
    others = ", ".join(f"{count} {finding}" for finding, count in counts.items() if finding != wanted)
    ratios = sorted(one.ratio.value for one in found)
    return (
        f"{what}: {counts[wanted]} of {len(found)} {wanted}{f' ({others})' if others else ''}, "
        f"ratios {ratios[0]:.3f} to {ratios[-1]:.3f}"
    )
