"""The driver of a batch: hands jobs to workers, gives a dead worker's job to another one, and says how it went."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from coconet.errors import counted
from coconet.event_log import log_event
from coconet.progress.outlook import span_in_words
from coconet.runtime.fleet.engines.engine import Engine, WorkerDied
from coconet.runtime.fleet.job import Job, Outcome, Progress

TRIES = 3
"""A job is given up after this many workers have died of it."""

_LOOK_S = 0.5

_LEAST_LEFT_S = 0.5  # of video; less is not worth a word


@dataclass
class BatchProgress:
    """How a batch stands. under_way: the last sign of the jobs that are being made, by name.

    lengths: seconds of video of each job that has not ended, by name; one of unknown length counts as the mean of the
    others, or as a second. timed: whether all lengths are known. fused_s: seconds of video of the results made now.
    placeless: workers that have not started yet, because a cluster has no place for them.
    """

    jobs: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    frames: int = 0
    lengths: dict[str, float] = field(default_factory=dict)
    timed: bool = True
    fused_s: float = 0.0
    begun_s: float = field(default_factory=time.monotonic)
    under_way: dict[str, Progress] = field(default_factory=dict)
    placeless: int = 0

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> BatchProgress:
        """Where a batch of these jobs begins."""
        known = [job.seconds for job in jobs if job.seconds is not None]
        usual = sum(known) / len(known) if known else 1.0
        lengths = {job.name: usual if job.seconds is None else job.seconds for job in jobs}
        return cls(len(jobs), lengths=lengths, timed=len(known) == len(jobs))

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.begun_s

    @property
    def fps(self) -> float:
        """Fused frames a second, since the beginning."""
        elapsed_s = self.seconds
        fused = self.frames + sum(sign.frames for sign in self.under_way.values())
        return fused / elapsed_s if elapsed_s > 0 else 0.0

    @property
    def made_s(self) -> float:
        """Seconds of video that were fused, those of jobs under way among them."""
        return self.fused_s + sum(min(sign.seconds, self.lengths[name]) for name, sign in self.under_way.items())

    @property
    def total_s(self) -> float:
        """Seconds of video that were fused or are to be; not of results that were there already, nor of failures."""
        return self.fused_s + sum(self.lengths.values())

    def to_text(self) -> str:
        """One line."""
        there = f", {self.skipped} there already" if self.skipped else ""
        left_s = self.total_s - self.made_s
        left = f", {span_in_words(left_s)} of video left" if self.timed and left_s >= _LEAST_LEFT_S else ""
        wait = f", {counted(self.placeless, 'worker')} not started" if self.placeless else ""
        rate = f", {fps:.1f} frames a second" if (fps := self.fps) else ""  # none: all was there already
        return f"{self.done} of {self.jobs} done{there}, {self.failed} failed{rate}{left}{wait}"


@dataclass(frozen=True)
class BatchResult:
    """What became of every job, by name, in the order of the jobs. stopped: whether some were left for another time."""

    outcomes: Mapping[str, Outcome]
    stopped: bool

    @property
    def failed(self) -> dict[str, str]:
        """Why there is no result, by the name of the job."""
        return {name: outcome.reason for name, outcome in self.outcomes.items() if outcome.failed}

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """The name of a job and what is damaged in its recording and not in its result, a line for each."""
        made = ((name, outcome.manifest) for name, outcome in self.outcomes.items() if outcome.manifest is not None)
        return [(name, str(line)) for name, manifest in made for line in manifest.get("left_out", ())]

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """The name of a job and what is to be warned of in its recording, a line for each."""
        return [(name, line) for name, outcome in self.outcomes.items() for line in _warnings_of(outcome)]

    def to_text(self, jobs: int) -> str:
        """One line. jobs: how many there were; of a batch that was stopped, more results may be there than it saw."""
        made = [outcome for outcome in self.outcomes.values() if outcome.manifest is not None]
        there = (
            f"Stopped; {len(made)} of {jobs} results were looked at"
            if self.stopped
            else f"{len(made)} of {jobs} results are there"
        )
        return f"{there}, {sum(outcome.fresh for outcome in made)} of them new; {len(self.failed)} failed."


def run_batch(
    jobs: Iterable[Job],
    engine: Engine,
    stop: Event,
    tell: Callable[[BatchProgress], object] = lambda _: None,
) -> BatchResult:
    """Make all results; `stop` ends it, with those that are under way left unmade. tell: called now and then.

    A job whose worker dies is given to another one, TRIES times in all; then it has failed, and the others go on.
    """
    listed = list(jobs)
    waiting, tries = deque(listed), dict.fromkeys((job.name for job in listed), 0)
    outcomes: dict[str, Outcome] = {}
    standing = BatchProgress.of(listed)
    while len(outcomes) < len(listed) and not stop.is_set():
        while waiting and engine.free:
            job = waiting.popleft()
            standing.under_way[job.name] = Progress(0)
            engine.submit(job)
        for heard in engine.hear(_LOOK_S):
            job, sign = heard.job, heard.sign
            if isinstance(sign, Progress):
                standing.under_way[job.name] = sign
                continue
            standing.under_way.pop(job.name, None)
            if isinstance(sign, WorkerDied):
                tries[job.name] += 1
                log_event("worker died", level=logging.WARNING, job=job.name, tries=tries[job.name], why=sign.why)
                if tries[job.name] < TRIES:
                    waiting.append(job)
                    continue
                sign = Outcome(None, f"given up after {TRIES} workers died of it; the last one: {sign.why}")
            outcomes[job.name] = sign
            _note(standing, job, sign)
        standing.placeless = engine.placeless
        tell(standing)
    return BatchResult({job.name: outcomes[job.name] for job in listed if job.name in outcomes}, stop.is_set())


def _warnings_of(outcome: Outcome) -> list[str]:
    return [str(line) for line in (outcome.manifest or {}).get("warnings", outcome.warnings)]


def _note(standing: BatchProgress, job: Job, outcome: Outcome) -> None:
    for line in _warnings_of(outcome):
        log_event("input", level=logging.WARNING, job=job.name, trouble=line)
    length_s = standing.lengths.pop(job.name)
    if outcome.manifest is None:
        standing.failed += 1
        log_event("job failed", level=logging.WARNING, job=job.name, reason=outcome.reason)
        return
    standing.done += 1
    if outcome.fresh:
        standing.frames += int(outcome.manifest["frames"])
        standing.fused_s += length_s
    else:
        standing.skipped += 1
    log_event("job done", job=job.name, frames=outcome.manifest["frames"], fresh=outcome.fresh)
