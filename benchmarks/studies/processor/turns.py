"""Two ways to do the same, in turns: how one compares with the other by the clock and by the processor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import IO, cast

from coconet.errors import CoconetError

PROGRAM: tuple[str | Path, ...] = (sys.executable, "-c", "from coconet.commands.__main__ import main; main()")
"""How this Python runs our command line."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of the processor. first_s: until the first byte on standard output."""

    clock_s: float
    processor_s: float
    first_s: float = 0.0


@dataclass(frozen=True)
class Compared:
    """One against another, turn by turn: medians of the ratios of their times."""

    clock: float
    processor: float

    @classmethod
    def of(cls, ones: Sequence[Cost], others: Sequence[Cost]) -> Compared:
        """Compare the costs of neighbouring turns."""
        turns = list(zip(ones, others, strict=True))
        return cls(
            median(one.clock_s / other.clock_s for one, other in turns),
            median(one.processor_s / other.processor_s for one, other in turns),
        )


def timed(work: Callable[[], object]) -> Cost:
    """What a call costs, on all threads of this process."""
    used_s, begun_s = time.process_time(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - begun_s, time.process_time() - used_s)


def in_turns(one: Callable[[], Cost], other: Callable[[], Cost], turns: int) -> Compared:
    """Compare two, of which each has a turn, N times."""
    pairs = [(one(), other()) for _ in range(turns)]
    return Compared.of([mine for mine, _ in pairs], [others for _, others in pairs])


def command_cost(*words: object, program: Sequence[str | Path] = PROGRAM) -> Cost:
    """Run a command of ours to its end. Raises CoconetError with its last line if it fails.

    program: runs the words in place of this Python. Python may keep what it compiles of our sources, as an installed
    package has it: else every run compiles them again.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun_s, command = time.perf_counter(), [*map(str, program), *map(str, words)]
    with (
        TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,  # noqa: S603
    ):
        out = cast("IO[bytes]", process.stdout)
        out.read(1)
        first_s = time.perf_counter() - begun_s
        while out.read(1 << 20):
            pass
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    if process.returncode:
        last = said.splitlines()[-1:] or ["nothing"]
        says = f"ended with exit code {process.returncode}: {last[0]}"
        raise CoconetError(
            " ".join(["coconet", *map(str, words[:2])]),
            wanted="exit code 0",
            got=last[0],
            remedy="Try the command by itself.",
            says=says,
        )
    return Cost(time.perf_counter() - begun_s, used.ru_utime + used.ru_stime, first_s)
