"""What an audience costs: the rate of a loop with and without viewers of its live page, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event

from coconet.benchmarks.endurance.asked_process import AskedProcess, asked_process
from coconet.benchmarks.endurance.background_run import fusing
from coconet.commands.__main__ import Stopped
from coconet.errors import CoconetError
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from coconet.writing.scratch import ScratchFolder

_SETTLE_S = 0.5  # until viewers have come or gone


@dataclass(frozen=True)
class Plan:
    """How an audience is tried: the number of viewers, and of turns with and without them, and their seconds."""

    viewers: int = 10
    turns: int = 10
    seconds: float = 3.0


@dataclass(frozen=True)
class Turn:
    """One turn: fused frames a second alone and watched, and pictures a second that all viewers together got."""

    seconds: float
    alone_fps: float
    watched_fps: float
    pictures_per_s: float

    @property
    def cost(self) -> float:
        """The share of the rate that the audience took; noise can make it negative."""
        if not self.alone_fps:
            raise CoconetError(
                "page",
                wanted="fused frames",
                got=f"none in {self.seconds:g} s",
                remedy="Allow it more --seconds.",
                says=f"got no fused frame in {self.seconds:g} s",
            )
        return 1 - self.watched_fps / self.alone_fps


@dataclass(frozen=True)
class ViewerLoadResult:
    """What came of it. encoded: JPEGs that were made. model, backend: what fused."""

    model: str
    backend: str
    viewers: int
    turns: tuple[Turn, ...]
    encoded: int

    @property
    def cost(self) -> float:
        """The median share of the rate that the audience took."""
        return median(turn.cost for turn in self.turns)


class ViewerLoad:
    """Viewers in a process of their own at the lowest priority, who watch as fast as they get pictures."""

    def __init__(self, process: AskedProcess) -> None:
        self._process = process

    def tell(self, word: str) -> int:
        """Say `watch` or `rest`; give how many pictures there were since the last word.

        Raises CoconetError if the viewers' process has ended, or does not answer.
        """
        return int(self._process.ask(word))


def audience_cost(
    rig: Rig,
    model: str,
    plan: Plan,
    on_turn: Callable[[Turn], None] | None = None,
    stop: Event | None = None,
) -> ViewerLoadResult:
    """Fuse the rig's frames with the model and measure the loop with and without viewers, in turns.

    The rig must not end meanwhile. stop: ends it after the turn that is on. Raises CoconetError for what cannot be
    opened, and for an end before the first turn.
    """
    gauge, turns = RunStats(), []
    with (
        ScratchFolder() as captures,
        LivePage(gauge, PageSettings(port=0, captures=Path(captures))) as page,
        fusing(lambda: open_rig(rig), model, gauge) as count,
        start_viewers(page.url, plan.viewers) as audience,
    ):
        for _ in range(plan.turns):
            if stop is not None and stop.is_set():
                break
            alone, _ = _rate(audience, "rest", count, plan.seconds)
            watched, pictures = _rate(audience, "watch", count, plan.seconds)
            turns.append(Turn(plan.seconds, alone, watched, pictures))
            if on_turn is not None:
                on_turn(turns[-1])
        vitals, encoded = gauge.vitals(), page.view.jpegs.encoded
    if vitals is None or not turns:
        if stop is not None and stop.is_set():
            raise Stopped
        raise CoconetError(
            "audience",
            wanted="one turn",
            got="an end before the first",
            remedy="Let it run longer.",
            says="ended before the first turn was over",
        )
    return ViewerLoadResult(vitals.model, vitals.backend, plan.viewers, tuple(turns), encoded)


def _rate(audience: ViewerLoad, word: str, count: Callable[[], int], seconds: float) -> tuple[float, float]:
    """Measure fused frames a second and the viewers' pictures a second, once they do what they were told."""
    audience.tell(word)
    time.sleep(_SETTLE_S)
    audience.tell(word)
    before, begun = count(), time.perf_counter()
    time.sleep(seconds)
    frames, passed = count() - before, time.perf_counter() - begun
    return frames / passed, audience.tell(word) / passed


@contextmanager
def start_viewers(url: str, viewers: int) -> Iterator[ViewerLoad]:
    """Bring `viewers` viewers to a page inside the block; they rest until they are told to watch."""
    module = "coconet.benchmarks.endurance.viewer_process"
    with asked_process("viewers", module, url, str(viewers)) as process:
        yield ViewerLoad(process)
