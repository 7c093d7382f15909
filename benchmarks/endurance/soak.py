"""A soak: a rig runs for hours while its cameras fail in turns and viewers come and go, and must not grow or stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from statistics import median_low
from tempfile import TemporaryDirectory
from threading import Event, active_count

from coconet.benchmarks.endurance.background_run import fusing
from coconet.benchmarks.endurance.faults import FAULTS, Fault, Injector
from coconet.benchmarks.endurance.viewer_load import ViewerLoad, bring_viewers
from coconet.errors import CoconetError
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.doctor.kernel_files import bytes_in
from coconet.runtime.frame import Side
from coconet.runtime.loop.liveness import rig_trouble
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import LivePage, PageSettings

BASE_S = 300.0
"""Growth is counted from five minutes on: before, caches and pools are still filling."""

_LOOK_S = 0.05

_VIEWERS = 2


@dataclass(frozen=True)
class SoakPlan:
    """How long, and how faults come: each lasts fault_s, and the rig has recover_s after it to be whole again."""

    seconds: float = 120.0
    fault_s: float = 2.5
    recover_s: float = 10.0
    rest_s: float = 2.0


@dataclass(frozen=True)
class Sample:
    """The process at a moment: seconds since the start, resident memory, threads and open file handles."""

    seconds: float
    resident_bytes: int
    threads: int
    handles: int

    @classmethod
    def taken(cls, seconds: float) -> Sample:
        """Look at this process (Linux)."""
        resident = bytes_in(Path("/proc/self/status"), "VmRSS")
        if resident is None:
            raise CoconetError(
                "soak",
                wanted="Linux, which says how much memory a process has",
                got=sys.platform,
                remedy="Run it there.",
            )
        return cls(seconds, resident, active_count(), len(list(Path("/proc/self/fd").iterdir())))


@dataclass(frozen=True)
class Trial:
    """One injected fault: whether it was noticed, and after how many seconds the rig was whole again; None is never."""

    side: Side
    fault: Fault
    noticed: bool
    whole_after_s: float | None


@dataclass(frozen=True)
class Soak:
    """What came of it. fused: frames. trials: every fault. samples: after each of them, while the rig was whole."""

    fused: int
    trials: tuple[Trial, ...]
    samples: tuple[Sample, ...]

    @property
    def survived(self) -> bool:
        """Whether the rig was whole again after every fault."""
        return bool(self.trials) and all(trial.whole_after_s is not None for trial in self.trials)

    @property
    def base(self) -> Sample:
        """What growth is counted from: the sample nearest to five minutes, or to a third of a shorter soak."""
        at_s = min(BASE_S, self.samples[-1].seconds / 3)
        return min(self.samples, key=lambda sample: abs(sample.seconds - at_s))

    @property
    def usual_end(self) -> Sample:
        """What the process was like at the end: every figure the median of the last tenth of the samples."""
        last = self.samples[-max(1, len(self.samples) // 10) :]
        return Sample(
            last[-1].seconds,
            median_low(sample.resident_bytes for sample in last),
            median_low(sample.threads for sample in last),
            median_low(sample.handles for sample in last),
        )

    @property
    def memory_growth(self) -> float:
        """The share by which memory has grown at the end."""
        return self.usual_end.resident_bytes / self.base.resident_bytes - 1

    @property
    def leaks(self) -> bool:
        """Whether there are more threads or file handles at the end."""
        return self.usual_end.threads > self.base.threads or self.usual_end.handles > self.base.handles


def soak(
    rig: Rig,
    model: str,
    plan: SoakPlan,
    on_trial: Callable[[Trial, Sample], None] | None = None,
    stop: Event | None = None,
) -> Soak:
    """Run a rig for `plan.seconds` with one fault after the other, watched and recorded during each.

    Recordings are played for ever, at their own rate. stop: ends the soak after the trial that is on.
    Raises CoconetError for what cannot be opened, for what stopped the loop, and for a soak without a single trial.
    """
    gauge, injectors = RunStats(), {side: Injector() for side in ROLES}
    rig = rig.model_copy(update={"realtime": True})
    trials, samples = [], []
    with (
        TemporaryDirectory() as folder,
        LivePage(gauge, PageSettings(port=0, captures=Path(folder))) as page,
        bring_viewers(page.url, _VIEWERS) as audience,
    ):
        begun = time.monotonic()
        with fusing(
            lambda: open_rig(rig, opener=lambda rig, side: injectors[side].open(rig, side)), model, gauge
        ) as count:
            for fault, side in cycle(product(FAULTS, ROLES)):
                if time.monotonic() - begun >= plan.seconds or not count() or (stop is not None and stop.is_set()):
                    break
                with _kept_busy(page, Path(folder), audience):
                    trials.append(_tried(gauge, injectors[side], side, fault, plan))
                samples.append(Sample.taken(time.monotonic() - begun))
                if on_trial is not None:
                    on_trial(trials[-1], samples[-1])
            for injector in injectors.values():
                injector.fault = None
            fused = count()
    if not trials:
        raise CoconetError("soak", wanted="one trial", got="an end before the first", remedy="Let it run longer.")
    return Soak(fused, tuple(trials), tuple(samples))


def _tried(gauge: RunStats, injector: Injector, side: Side, fault: Fault, plan: SoakPlan) -> Trial:
    """Inject a fault, clear it, and see how long the rig needs to be whole again."""
    injector.fault, injected = fault, time.monotonic()
    noticed = _until(lambda: bool(_trouble(gauge)), plan.fault_s)
    time.sleep(max(0.0, injected + plan.fault_s - time.monotonic()))
    injector.fault = None
    cleared, before = time.monotonic(), _fused(gauge)
    whole = _until(lambda: not _trouble(gauge) and _fused(gauge) > before, plan.recover_s)
    seconds = time.monotonic() - cleared
    time.sleep(plan.rest_s)
    return Trial(side, fault, noticed, seconds if whole else None)


def _until(happened: Callable[[], bool], most_s: float) -> bool:
    end = time.monotonic() + most_s
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_S)
    return True


def _trouble(gauge: RunStats) -> str:
    return rig_trouble(gauge.vitals())


def _fused(gauge: RunStats) -> int:
    vitals = gauge.vitals()
    return 0 if vitals is None else vitals.fused


@contextmanager
def _kept_busy(page: LivePage, folder: Path, audience: ViewerLoad) -> Iterator[None]:
    """Watch and record meanwhile, keep a snapshot, and delete both afterwards, so that the disk does not fill."""
    audience.tell("watch")
    page.view.captures.start()
    yield
    page.view.captures.stop()
    audience.tell("rest")
    posted = page.view.board.newest
    if posted is not None:
        page.view.captures.snapshot(posted.frame)
    for path in folder.iterdir():
        path.unlink()
