"""The command `coconet selfcheck`: everything that can be tried on this machine, and a report to send back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.cli import DeviceOption, OverwriteOption
from coconet.errors import counted

if TYPE_CHECKING:
    from coconet.benchmarks.selfcheck.step import Outcome, Step


def selfcheck(
    out: Annotated[
        Path, typer.Option("--out", help="Write the report to this file as JSON, and as text beside it, as .txt.")
    ] = Path("selfcheck.json"),
    quick: Annotated[bool, typer.Option("--quick", help="Measure for one second each instead of ten.")] = False,
    device: DeviceOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Try every part in order: doctor, frame ring, engines, latency, host overhead, power, a minute of a synthetic rig.

    What is not on this machine is skipped by name. Ends with exit code 1 if a step failed.
    """
    from coconet.benchmarks.machine.device import this_device
    from coconet.benchmarks.selfcheck.report import SelfCheckReport, figure_lines
    from coconet.benchmarks.selfcheck.step import outcomes
    from coconet.benchmarks.selfcheck.steps import SelfCheck, StepTimes
    from coconet.progress.board import working
    from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
    from coconet.writing.outputs import check_outputs
    from coconet.writing.together import whole_together

    select_cuda_device(device)
    text = out.with_suffix(".txt")
    check_outputs([out, text], inputs=[], overwrite=overwrite)
    patience = StepTimes(3.0, 1.0, 1.0) if quick else StepTimes()
    found: list[Outcome] = []
    with SelfCheck(patience) as check, working("starting") as work:
        steps = list(check.steps())
        typer.echo(_expectation(steps))

        def begun(step: Step) -> None:
            work.update(f"{len(found) + 1} of {len(steps)}: {step.name}, at most about {_minutes(step.minutes)}")

        for outcome in outcomes(steps, begun):
            found.append(outcome)
            reason = f": {outcome.reason}" if outcome.reason else ""
            typer.echo(f"{outcome.state:8}{outcome.name} ({outcome.seconds:.1f} s){reason}")
            for line in figure_lines(outcome.figures) if outcome.name != "doctor" else ():
                typer.echo(line)
    report = SelfCheckReport(this_device(), tuple(found))
    with whole_together(text, out) as (readable, scratch):
        scratch.write_text(report.to_json(), encoding="utf-8")
        readable.write_text(report.to_text(), encoding="utf-8")
    typer.echo(f"{report.summary}; the report is in {out} and {text}")
    if not report.passed:
        raise typer.Exit(1)


def _expectation(steps: list[Step]) -> str:
    tried = sum(step.minutes > 0 for step in steps)
    most = sum(step.minutes for step in steps)
    return f"{counted(len(steps), 'step')}, {tried} of them tried here, at most about {_minutes(most)}"


def _minutes(minutes: float) -> str:
    return counted(round(minutes), "minute") if minutes >= 1 else counted(max(1, round(minutes * 60)), "second")
