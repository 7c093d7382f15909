"""What a soak came to: every fault, what the process was like after each of them, and whether it grew."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median, median_low
from typing import get_args

from coconet.benchmarks.endurance.alarms.alarmed_rig import AlarmsCame
from coconet.benchmarks.endurance.faults import FAULTS, Fault
from coconet.benchmarks.endurance.hazards import RigFault
from coconet.errors import CoconetError
from coconet.installation.kernel_files import bytes_in
from coconet.runtime.frame import Side
from coconet.runtime.loop.run_stats import Vitals

_ROUND = 2 * len(FAULTS) + len(get_args(RigFault))

BASE_S = 300.0
"""Growth is counted from five minutes on: before, caches and pools are still filling."""


@dataclass(frozen=True)
class Sample:
    """The process at a moment: seconds since the start, memory, threads and open file handles.

    memory_bytes: resident, and swapped out, which a leak that nobody touches soon is. threads: those of libraries too.
    fps: fused frames a second. age_ms: from capture to the fused picture (p50), which grows with every queue.
    share: of the processor time that the process asked for since the sample before, what it got.
    """

    seconds: float
    memory_bytes: int
    threads: int
    handles: int
    fps: float = 0.0
    age_ms: float = 0.0
    share: float = 1.0

    @classmethod
    def taken(cls, seconds: float, vitals: Vitals | None = None, share: float = 1.0) -> Sample:
        """Look at this process (Linux), and at the loop in it."""
        status = Path("/proc/self/status")
        resident, swapped = bytes_in(status, "VmRSS"), bytes_in(status, "VmSwap")
        if resident is None:
            raise CoconetError(
                "soak",
                wanted="Linux, which says how much memory a process has",
                got=sys.platform,
                remedy="Run it on Linux.",
                says=f"runs on Linux only, which says how much memory a process has; this is {sys.platform}",
            )
        age = None if vitals is None else vitals.capture_to_fused_ms
        fps, age_ms = 0.0 if vitals is None else vitals.fps, 0.0 if age is None else age.p50
        threads, handles = (len(list(Path("/proc/self", name).iterdir())) for name in ("task", "fd"))
        return cls(seconds, resident + (swapped or 0), threads, handles, fps, age_ms, share)

    @classmethod
    def usual(cls, samples: Sequence[Sample]) -> Sample:
        """What several samples have in common: every figure their median, at the time of the last one."""
        return cls(
            samples[-1].seconds,
            median_low(sample.memory_bytes for sample in samples),
            median_low(sample.threads for sample in samples),
            median_low(sample.handles for sample in samples),
            median_low(sample.fps for sample in samples),
            median_low(sample.age_ms for sample in samples),
            median_low(sample.share for sample in samples),
        )


@dataclass(frozen=True)
class Trial:
    """One injected fault: whether it was noticed, and after how many seconds the rig was whole again; None is never.

    side: the camera whose fault it was, None for what disturbs the whole rig. noticed: the hazard says what counts.
    lacking: what was not as before when the time was up.
    """

    side: Side | None
    fault: Fault | RigFault
    noticed: bool
    whole_after_s: float | None
    lacking: str = ""


@dataclass(frozen=True)
class Soak:
    """What came of it. fused: frames. trials: every fault. samples: after each of them, while the rig was whole.

    alarms: what came of those, None if there were none.
    """

    fused: int
    trials: tuple[Trial, ...]
    samples: tuple[Sample, ...]
    alarms: AlarmsCame | None = None

    @property
    def survived(self) -> bool:
        """Whether the rig was whole again after every fault."""
        return bool(self.trials) and all(trial.whole_after_s is not None for trial in self.trials)

    @property
    def base(self) -> Sample:
        """What growth is counted from: the samples that are nearest to five minutes.

        Of a shorter soak it is nearest to a third of it.
        """
        nearest = sorted(self.samples, key=lambda sample: abs(sample.seconds - self._base_s))[: self._window]
        return Sample.usual(sorted(nearest, key=lambda sample: sample.seconds))

    @property
    def usual_end(self) -> Sample:
        """What the process was like at the end: the last samples."""
        return Sample.usual(self._last)

    @property
    def memory_growth(self) -> float:
        """The share by which memory has grown at the end."""
        return self.usual_end.memory_bytes / self.base.memory_bytes - 1

    @property
    def bytes_an_hour(self) -> float:
        """How memory rises from the base on: the median slope between any two samples (Theil and Sen).

        0 if there are no two.
        """
        later = [sample for sample in self.samples if sample.seconds >= self._base_s]
        slopes = [
            (two.memory_bytes - one.memory_bytes) / (two.seconds - one.seconds)
            for one, two in combinations(later, 2)
            if two.seconds > one.seconds
        ]
        return 3600 * median(slopes) if slopes else 0.0

    @property
    def leaks(self) -> bool:
        """Whether there are more threads or file handles at the end, always: some come for a while and go again."""
        threads = min(sample.threads for sample in self._last)
        handles = min(sample.handles for sample in self._last)
        return threads > self.base.threads or handles > self.base.handles

    @property
    def ageing_ms(self) -> float:
        """By how much fused pictures are older at the end, which they are where a queue has grown.

        Counted as of a machine that gives all the processor time that is asked for: a loaded one takes longer for all.
        """
        return self.usual_end.age_ms * self.usual_end.share - self.base.age_ms * self.base.share

    @property
    def _base_s(self) -> float:
        return min(BASE_S, self.samples[-1].seconds / 3)

    @property
    def _last(self) -> Sequence[Sample]:
        return self.samples[-self._window :]

    @property
    def _window(self) -> int:
        """A tenth of the samples, or a round of faults if that is more: memory goes up and down with each round."""
        count = len(self.samples)
        return max(1, min(_ROUND, count // 3), count // 10)
