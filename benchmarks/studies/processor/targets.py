"""How fast fusing is on this processor: ratios measured in one run, beside the limits that they are held against.

    python -m coconet.benchmarks.studies.processor.targets
    python -m coconet.benchmarks.studies.processor.targets --visible day.mp4 --infrared night.mp4
    python -m coconet.benchmarks.studies.processor.targets --reference lite-of-the-release-before.onnx
    python -m coconet.benchmarks.studies.processor.targets --before environment-of-that-release/bin/coconet

Two ways have their turns one after the other, and are compared by the clock, which wants a quiet machine, and by the
seconds of the processor, which other programs change less. What has a second line beside a busy core is measured once
more while a process that is started here keeps one busy. Every line is printed once it is there, and the table at the
end; `--turns 3 --frames 20` is a quick look.

The limits in seconds were set on one machine. `--before` makes ratios of them, which another machine can be held to as
well: over the time of `coconet --help` of the release before, which took HELP_BEFORE_S seconds on that machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from coconet.benchmarks.latency.end_to_end import synthetic_recording
from coconet.benchmarks.studies.processor.busy_process import busy_process
from coconet.benchmarks.studies.processor.fusing import Effort, alone_against_loop, picked_against
from coconet.benchmarks.studies.processor.turns import Compared, Cost, command_cost, in_turns
from coconet.cards.frame_size import FrameSize
from coconet.installation.processor import processor_name, usable_cores
from coconet.model_names import shipped_checkpoint, shipped_model
from coconet.runtime.backends.choice import BackendChoice
from coconet.terminal.console import Console
from coconet.writing.scratch import ScratchFolder

LARGE_VISIBLE, LARGE_INFRARED = FrameSize.parse("1080x1920"), FrameSize.parse("512x640")

HELP_BEFORE_S = 0.32
"""What `coconet --help` of the release before took on the machine on which the limits in seconds were set."""

_LAID = "[[2.9, 0.02, 12.0], [-0.02, 2.08, 8.0], [0.0, 0.0, 1.0]]"  # about how 640x512 covers 1920x1080


@dataclass(frozen=True)
class Target:
    """A limit and what was found. clock, processor: the figure by each kind of seconds; None if there is none."""

    what: str
    limit: float
    clock: float
    processor: float | None = None
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure of the clock keeps the limit."""
        return self.clock <= self.limit if self.at_most else self.clock >= self.limit

    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        processor = "" if self.processor is None else f"{self.processor:.2f}"
        sign = "<=" if self.at_most else ">="
        return (self.what, f"{sign} {self.limit:g}", f"{self.clock:.2f}", processor, "yes" if self.met else "no")


def fusing_targets(effort: Effort, reference: Path) -> Iterator[Target]:
    """What a frame takes with the backend that is picked, over a graph by ONNX Runtime, and what the loop adds."""
    plain = BackendChoice("ort", reference, "the reference")
    found = picked_against(plain, "lite", effort)
    yield Target("lite by auto over ONNX Runtime FP32, a frame at a time", 0.60, found.clock, found.processor)
    found = picked_against(plain, "lite", effort, overlaps=True)
    yield Target("the same, frames overlapping as in a file's run", 0.60, found.clock, found.processor)
    with busy_process():
        found = picked_against(plain, "lite", effort)
        yield Target("lite, a frame at a time, beside a busy process", 0.33, found.clock, found.processor)
        found = picked_against(plain, "lite", effort, overlaps=True)
        yield Target("the same, overlapping", 0.33, found.clock, found.processor)
    found = alone_against_loop(plain, effort)
    yield Target("lite alone over lite in the loop", 0.97, found.clock, found.processor, at_most=False)
    few = replace(effort, frames=max(1, effort.frames // 20), turns=min(effort.turns, 3))
    eager = BackendChoice("torch", shipped_checkpoint("coconet"), "the reference")
    found = picked_against(eager, "coconet", few)
    yield Target("CoCoNet by auto over PyTorch eager", 0.30, found.clock, found.processor)
    found = picked_against(eager, "lite", few)
    yield Target("PyTorch eager CoCoNet over lite by auto", 200, 1 / found.clock, 1 / found.processor, at_most=False)


def command_targets(  # noqa: PLR0913, PLR0917  # what was given to the study
    visible: str, infrared: str, folder: Path, effort: Effort, reference: Path, before: Path | None
) -> Iterator[Target]:
    """What whole commands take: from file to file, large pictures, and to the first frame."""

    def run(model: str | Path, backend: str) -> Cost:
        words = ("--backend", backend, "--out", folder / "fused.mp4", "--overwrite")
        return command_cost("run", visible, infrared, "--model", model, *words)

    def first_frame(*words: str) -> Cost:
        cost = command_cost("run", *words, visible, infrared, "--frames", 1, "--out", "raw:-")
        return replace(cost, clock_s=cost.first_s)

    run("lite", "auto")  # picks, which later runs remember
    turns = min(effort.turns, 3)
    found = in_turns(lambda: run(reference, "ort"), lambda: run("lite", "auto"), turns)
    yield Target("file to file: ONNX Runtime FP32 over auto", 1.7, found.clock, found.processor, at_most=False)
    yield from large_targets(folder, max(10.0, effort.frames / 30), before)
    yield from second_targets("to the first fused frame", 0.4, lambda: first_frame("lite"), effort.turns, before)
    ort = ("lite", "--backend", "ort")
    yield from second_targets("to it with ONNX Runtime", 0.4, lambda: first_frame(*ort), effort.turns, before)
    yield from second_targets("of coconet --help", 0.2, lambda: command_cost("--help"), effort.turns, before)


def large_targets(folder: Path, seconds: float, before: Path | None) -> Iterator[Target]:
    """How many large pairs a second are fused, of recordings that are made in the folder."""
    rig, report = folder / "rig.toml", folder / "report.json"
    rig.write_text(large_rig(folder, seconds))
    command_cost("run", rig, "lite", "--frames", 1)
    command_cost("run", rig, "lite", "--json", report)
    rate, limit = float(json.loads(report.read_text())["fps"]), 25
    yield Target(f"frames a second, {LARGE_VISIBLE} with {LARGE_INFRARED} aligned", limit, rate, at_most=False)
    if before is not None:
        rate *= median(command_cost("--help", program=[before]).clock_s for _ in range(3))
        yield Target("frames during --help of the release before", limit * HELP_BEFORE_S, rate, at_most=False)


def second_targets(
    what: str, limit_s: float, command: Callable[[], Cost], turns: int, before: Path | None
) -> Iterator[Target]:
    """What a command takes, and, in turns with it, how that compares with the help of the release before."""
    costs, helps = list[Cost](), list[Cost]()
    for _ in range(turns):
        costs.append(command())
        if before is not None:
            helps.append(command_cost("--help", program=[before]))
    taken_s, used_s = median(one.clock_s for one in costs), median(one.processor_s for one in costs)
    yield Target(f"seconds {what}", limit_s, taken_s, used_s)
    if helps:
        found = Compared.of(costs, helps)
        over = "the same over --help of the release before"
        yield Target(over, limit_s / HELP_BEFORE_S, found.clock, found.processor)


def large_rig(folder: Path, seconds: float) -> str:
    """A rig file of two recordings of unlike size with an alignment, which are made for it."""
    visible = synthetic_recording(folder, LARGE_VISIBLE, seconds).visible
    infrared = synthetic_recording(folder, LARGE_INFRARED, seconds).infrared
    size_px = [LARGE_VISIBLE.width_px, LARGE_VISIBLE.height_px]
    cameras = f"[visible]\naddress = {json.dumps(visible)}\n\n[infrared]\naddress = {json.dumps(infrared)}\n"
    return f"{cameras}\n[alignment]\nhomography = {_LAID}\nsize_px = {size_px}\n"


def main(  # noqa: PLR0913, PLR0917  # a command has an argument for every option
    visible: Annotated[str | None, typer.Option("--visible", help="A video, in place of a synthetic one.")] = None,
    infrared: Annotated[str | None, typer.Option("--infrared", help="That of the same scene.")] = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="How often each way has its turn.")] = 9,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Of a turn.")] = 60,
    size: Annotated[str, typer.Option("--size", help="HEIGHTxWIDTH.")] = "480x640",
    reference: Annotated[
        Path | None, typer.Option("--reference", help="An earlier graph of lite, for ONNX Runtime to run instead.")
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option(
            "--before",
            exists=True,
            dir_okay=False,
            resolve_path=True,
            help="The program `coconet` of the release before.",
        ),
    ] = None,
) -> None:
    """Measure, and print a table."""
    effort, targets = Effort(turns, frames, FrameSize.parse(size)), list[Target]()
    progress = Console(stderr=True)
    with ScratchFolder() as scratch:
        made = None
        if visible is None or infrared is None:
            made = synthetic_recording(Path(scratch), effort.size, max(1.0, 5 * frames / 30))
        pair = (visible or "", infrared or "") if made is None else (made.visible, made.infrared)
        plain = reference or shipped_model("lite")
        for part in (fusing_targets(effort, plain), command_targets(*pair, Path(scratch), effort, plain, before)):
            for target in part:
                targets.append(target)
                progress.print(" | ".join(target.cells()), soft_wrap=True, highlight=False)
    title = f"{processor_name()}, {len(usable_cores())} cores, {size} (height x width), medians of {turns} turns"
    table = Table("", "limit", "by the clock", "by the processor", "met", title=title, title_justify="left")
    for target in targets:
        table.add_row(*target.cells())
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
