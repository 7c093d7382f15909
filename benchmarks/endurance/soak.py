"""A soak: a rig runs for hours while cameras, disk, settings and viewers fail in turns; it must not grow or stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from threading import Event

from coconet.benchmarks.endurance.alarms.alarmed_rig import watched_alarms
from coconet.benchmarks.endurance.background_run import fusing
from coconet.benchmarks.endurance.faults import FAULTS, Injector
from coconet.benchmarks.endurance.hazards import CameraHazard, DiskFull, Hazard
from coconet.benchmarks.endurance.killed_run import KilledRun
from coconet.benchmarks.endurance.page_hazards import SettingsStorm, StalledViewers
from coconet.benchmarks.endurance.soak_result import Sample, Soak, Trial
from coconet.benchmarks.endurance.viewer_load import ViewerLoad, start_viewers
from coconet.benchmarks.machine.processor_share import ProcessorShare
from coconet.commands.__main__ import Stopped
from coconet.errors import CoconetError
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.frame import Side
from coconet.runtime.loop.liveness import rig_trouble
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from coconet.runtime.viewers.rate_limit import TooOften
from coconet.writing.scratch import ScratchFolder

_LOOK_S = 0.05

_MOST_MORE_S = 300.0  # that a loaded machine adds to a limit


@dataclass(frozen=True)
class SoakPlan:
    """How long, and how faults come: each lasts fault_s, and the rig has recover_s after it to be whole again.

    recover_s is of a machine that gives the process all the processor time it asks for; another one has longer.
    viewers: how many watch meanwhile. alarms: alarms are watched, told and recorded too, as `watched_alarms` does it.
    """

    seconds: float = 120.0
    fault_s: float = 2.5
    recover_s: float = 10.0
    rest_s: float = 2.0
    viewers: int = 2
    alarms: bool = False


def soak(
    rig: Rig,
    model: str,
    plan: SoakPlan,
    on_trial: Callable[[Trial, Sample], None] | None = None,
    stop: Event | None = None,
) -> Soak:
    """Run a rig for `plan.seconds` with one fault after the other, watched and recorded during each.

    Recordings are played for ever, at their own rate. stop: ends the soak after the trial that is on.
    Raises CoconetError for what cannot be opened, for what stopped the loop, and for a soak without a single trial;
    Stopped if it was stopped before the first one had ended.
    """
    gauge, injectors = RunStats(), {side: Injector() for side in ROLES}
    trials, samples = [], []
    with (
        ScratchFolder() as name,
        ScratchFolder() as beside,
        watched_alarms(rig, gauge, Path(beside)) if plan.alarms else nullcontext((rig, None)) as (chosen, witness),
        LivePage(gauge, PageSettings(port=0, captures=Path(name)), tuner := _adjustable(chosen, injectors)) as page,
        start_viewers(page.url, plan.viewers) as audience,
        ExitStack() as stack,
    ):
        hazards = _every_hazard(injectors, page, Path(name))
        for hazard in hazards:
            stack.enter_context(closing(hazard))
        begun = time.monotonic()
        with fusing(tuner.open, model, gauge) as count:
            for hazard in _round_after_round(hazards, page, Path(name)):
                if time.monotonic() - begun >= plan.seconds or not count() or (stop is not None and stop.is_set()):
                    break
                share = ProcessorShare()
                with _kept_busy(page, audience):
                    trials.append(_tried(gauge, hazard, plan))
                if witness is not None:
                    witness.settle()
                samples.append(Sample.taken(time.monotonic() - begun, gauge.vitals(), share.got()))
                if witness is not None:
                    witness.look()
                if on_trial is not None:
                    on_trial(trials[-1], samples[-1])
            fused, came = count(), None if witness is None else witness.came()
    if not trials:
        if stop is not None and stop.is_set():
            raise Stopped
        raise CoconetError(
            "soak",
            wanted="one trial",
            got="an end before the first",
            remedy="Let it run longer.",
            says="ended before the first trial was over",
        )
    return Soak(fused, tuple(trials), tuple(samples), came)


def _adjustable(rig: Rig, injectors: dict[Side, Injector]) -> AdjustableRig:
    """The rig at its own rate, with the faults of its injectors."""
    return AdjustableRig(
        rig.model_copy(update={"realtime": True}), opener=lambda opened, side: injectors[side].open(opened, side)
    )


def _every_hazard(injectors: dict[Side, Injector], page: LivePage, folder: Path) -> list[Hazard]:
    cameras = [CameraHazard(injectors[side], side, fault, page) for fault, side in product(FAULTS, ROLES)]
    return [*cameras, DiskFull(page, folder), SettingsStorm(page), StalledViewers(page), KilledRun(folder)]


def _round_after_round(hazards: list[Hazard], page: LivePage, folder: Path) -> Iterator[Hazard]:
    """Give the hazards again and again; what was kept of a round is deleted, so that the disk does not fill."""
    while True:
        yield from hazards
        page.view.captures.stop()
        for path in folder.iterdir():
            path.unlink()


def _tried(gauge: RunStats, hazard: Hazard, plan: SoakPlan) -> Trial:
    """Inject a fault, clear it, and see how long the rig needs to be whole again."""
    hazard.inject()
    injected = time.monotonic()
    noticed = happens_in_time(hazard.noticed, plan.fault_s)
    time.sleep(max(0.0, injected + plan.fault_s - time.monotonic()))
    hazard.clear()
    cleared, before = time.monotonic(), gauge.fused
    most_s = max(plan.recover_s, hazard.recover_s)
    share = ProcessorShare()

    def lacks() -> str:
        return rig_trouble(gauge.vitals()) or ("" if gauge.fused > before else "no new frame") or hazard.lacks()

    whole = happens_in_time(lambda: not lacks(), most_s, share.got)
    seconds, lacking = time.monotonic() - cleared, "" if whole else lacks()
    hazard.close()
    time.sleep(plan.rest_s)
    return Trial(hazard.side, hazard.fault, noticed, seconds if whole else None, lacking)


def happens_in_time(happened: Callable[[], bool], most_s: float, share: Callable[[], float] = lambda: 1.0) -> bool:
    """Wait for something; the limit is longer, but not endless, if only a share of the processor time was got."""
    begun = time.monotonic()
    while not happened():
        passed_s = time.monotonic() - begun
        if passed_s > most_s and passed_s > min(most_s / share(), most_s + _MOST_MORE_S):
            return False
        time.sleep(_LOOK_S)
    return True


@contextmanager
def _kept_busy(page: LivePage, audience: ViewerLoad) -> Iterator[None]:
    """Watch and record meanwhile, and keep a snapshot afterwards."""
    audience.tell("watch")
    with suppress(TooOften):
        page.view.captures.start()
    yield
    audience.tell("rest")
    posted = page.view.board.newest
    if posted is not None:
        with suppress(TooOften):
            page.view.captures.snapshot(posted.frame)
