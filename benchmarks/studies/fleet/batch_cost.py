"""What an hour of video costs a batch, how two workers compare with one, and what that comes to for a cluster.

python -m coconet.benchmarks.studies.fleet.batch_cost --recordings 4 --seconds 8 --turns 3

Synthetic recordings of 640x480 at 25 frames a second are made and fused by workers of one core each, one and two of
them in turns. Seconds of the processor are those of the kernel: a busy machine changes them little, those of the clock
a lot.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from coconet.benchmarks.studies.fleet.turns import in_words
from coconet.terminal.console import Console
from coconet.writing.scratch import ScratchFolder

FPS = 25

PROGRAM = "from coconet.commands.__main__ import main; main()"


@dataclass(frozen=True)
class Cost:
    """Of one batch. clock_s, processor_s: of all its processes. memory_mib: of the largest of them at its largest."""

    clock_s: float
    processor_s: float
    memory_mib: float


@dataclass(frozen=True)
class Shares:
    """What a batch consists of, in seconds of a processor.

    start_s: of the command and a worker, whatever there is to do. work_s: of a worker for a second of video.
    """

    start_s: float
    work_s: float

    def took_s(self, video_s: float, jobs: int, workers: int) -> float:
        """How long N equal workers take, on paper: all start at once, and none waits for a disk or the driver."""
        return self.start_s + video_s * self.work_s * -(-jobs // workers) / jobs


def speed_up(one: Cost, two: Cost) -> float:
    """How many times as fast two workers on a core each are as one, by what both batches used of the processor."""
    return 2 * one.processor_s / two.processor_s


def main(
    recordings: Annotated[int, typer.Option("--recordings", min=1, help="How many.")] = 4,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long each is.")] = 8,
    turns: Annotated[int, typer.Option("--turns", min=1, help="How often each number of workers has its turn.")] = 3,
    model: Annotated[str, typer.Option("--model", help="As for batch.")] = "lite",
) -> None:
    """Measure, and print two tables."""
    console, video_s = Console(), recordings * seconds
    with ScratchFolder() as folder:
        tree, out = Path(folder) / "tree", Path(folder) / "out"
        for index in range(recordings):
            synthetic = f"synthetic://?width=640&height=480&fps={FPS}&duration_s={seconds}"
            _coconet("record", "--visible", synthetic, "--infrared", synthetic, "--out", tree / f"night-{index}")
        costs: dict[int, list[Cost]] = {1: [], 2: []}
        for turn in range(turns):
            for workers, found in costs.items():
                found.append(_measured(tree, out / f"{turn}-{workers}", workers, model))
        idle = _measured(tree, out / "0-1", 1, model)
    table = Table(title=f"{video_s:.0f} s of video, {model}, {turns} turns; median")
    for head in ("workers", "s of the clock", "s of the processor", "largest process, MiB"):
        table.add_column(head, justify="right")
    for workers, found in costs.items():
        values = [median(getattr(one, name) for one in found) for name in ("clock_s", "processor_s", "memory_mib")]
        table.add_row(str(workers), *(f"{value:.1f}" for value in values))
    table.add_row("nothing to do", f"{idle.clock_s:.1f}", f"{idle.processor_s:.1f}", f"{idle.memory_mib:.0f}")
    console.print(table)
    turned = list(zip(costs[1], costs[2], strict=True))
    clock = in_words([one.clock_s / two.clock_s for one, two in turned])
    processor = in_words([speed_up(one, two) for one, two in turned])
    console.print("two workers against one, turn by turn, median (95 %):")
    console.print(f"  {clock} times as fast by the clock, on the cores that others left")
    console.print(f"  {processor} times as fast by the processor, if each had a core to itself")
    worked_s = median(one.processor_s for one in costs[1])
    shares = Shares(idle.processor_s, (worked_s - idle.processor_s) / video_s)
    console.print(f"an hour of video: {shares.work_s:.2f} h of one core, and {shares.start_s:.1f} s for each start")
    for workers in (1, 10, 100):
        took_h = shares.took_s(360e3, 6000, workers) / 3600
        console.print(f"100 h of video in jobs of a minute on {workers} workers, on paper: {took_h:.1f} h")


def _coconet(*words: object) -> Cost:
    """Run a command, and tell what it and all the processes that it waited for have used."""
    begun_s, command = time.monotonic(), [sys.executable, "-c", PROGRAM, *map(str, words)]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own command
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise typer.Exit(process.returncode)
    return Cost(time.monotonic() - begun_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _measured(tree: Path, out: Path, workers: int, model: str) -> Cost:
    return _coconet("batch", tree, "--out", out, "--model", model, "--workers", workers, "--cores", 1)


if __name__ == "__main__":
    typer.run(main)
