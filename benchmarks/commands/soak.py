"""The command `coconet soak`: whether a rig runs for hours without growing, whatever its cameras do."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, counted

if TYPE_CHECKING:
    from coconet.benchmarks.endurance.alarms.alarmed_rig import AlarmsCame
    from coconet.benchmarks.endurance.soak_result import Sample, Soak, Trial


_SYNTHETIC = (25, 320, 240)

_CAMERA = "synthetic://?fps={}&width={}&height={}".format(*_SYNTHETIC)

_MOST_GROWTH = 0.05

_MOST_AGEING_MS = 500.0

_LEAST_SLOPE_S = 1200.0  # in less, memory that goes up and down with each round of faults has a slope of its own


def soak(
    rig: Annotated[Path | None, typer.Argument(help="A rig.toml.", show_default="the synthetic rig")] = None,
    model: Annotated[str, typer.Option("--model", help="Fuse with this model, as `coconet run` takes it.")] = "average",
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Run for this many minutes.")] = 2.0,
    viewers: Annotated[
        int, typer.Option("--viewers", min=0, max=32, help="Let N viewers watch the page meanwhile.")
    ] = 2,
    alarms: Annotated[
        bool,
        typer.Option(
            "--alarms",
            help="Watch the alarms of the rig too, or some of its own: sent to receivers on this machine (HTTP, and "
            "MQTT if mosquitto is installed) and recorded.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table to this file, as Markdown.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Run a rig while its cameras, disk, settings, viewers and recordings fail in turns; say whether it survived."""
    from coconet.benchmarks.endurance.alarms.alarmed_rig import synthetic_with_meters
    from coconet.benchmarks.endurance.soak import SoakPlan
    from coconet.benchmarks.endurance.soak import soak as run_soak
    from coconet.files import whole_file
    from coconet.model_names import model_path
    from coconet.progress.board import working
    from coconet.runtime.api.card import read_card
    from coconet.runtime.rig.open_rig import open_cameras
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.terminal.console import Console
    from coconet.writing.outputs import check_outputs

    synthetic = synthetic_with_meters(*_SYNTHETIC) if alarms else Rig.from_addresses(_CAMERA, _CAMERA)
    chosen = Rig.from_file(rig) if rig else synthetic
    check_outputs([out], inputs=[rig, *chosen.sources, model_path(model)], overwrite=overwrite)
    read_card(model)
    for camera in open_cameras(chosen):  # a run would wait for one that is absent, and no fault would be survived
        camera.close()
    console = Console(soft_wrap=True, stderr=True)

    def say(trial: Trial, sample: Sample) -> None:
        after = f"never ({trial.lacking})" if trial.whole_after_s is None else f"{trial.whole_after_s:.1f} s"
        console.print(
            f"{sample.seconds / 60:6.1f} min  {trial.side or 'rig'} {trial.fault}: whole again after {after}; "
            f"{sample.memory_bytes / 2**20:.0f} MiB, "
            f"{counted(sample.threads, 'thread')}, {counted(sample.handles, 'handle')}, "
            f"{sample.fps:.1f} fps, {sample.age_ms:.0f} ms old, {sample.share:.0%} of the processor time",
            highlight=False,
            markup=False,
        )

    with stopped_by_signals() as stop, working("running", 60 * minutes, by_clock=True):
        result = run_soak(chosen, model, SoakPlan(60 * minutes, viewers=viewers, alarms=alarms), say, stop)
    table = soak_table(result)
    print(table)
    if out is not None:
        with whole_file(out) as scratch:
            scratch.write_text(table)
    trouble = soak_trouble(result)
    if trouble is not None:
        raise CoconetError(
            "soak",
            wanted=f"every fault survived, at most {_MOST_GROWTH:.0%} more memory, no more threads or file handles, "
            f"no picture {_MOST_AGEING_MS:g} ms older, every alarm event received",
            got=trouble,
            remedy="The lines above say when.",
            says=f"failed: {trouble}",
        )


def soak_trouble(result: Soak) -> str | None:
    """What a soak is not to end with, in words; None for a good one."""
    if not result.survived:
        return "the rig did not become whole again"
    if result.memory_growth > _MOST_GROWTH:
        return f"its memory grew by {result.memory_growth:.1%}, more than {_MOST_GROWTH:.0%}"
    if result.leaks:
        before, after = result.base, result.usual_end
        now = f"{counted(after.threads, 'thread')} and {counted(after.handles, 'handle')}"
        return f"it ended with {now}, and began with {before.threads} and {before.handles}"
    if result.ageing_ms > _MOST_AGEING_MS:
        return f"its pictures became {result.ageing_ms:.0f} ms older, more than {_MOST_AGEING_MS:g} ms"
    return None if result.alarms is None else _alarm_trouble(result.alarms)


def _alarm_trouble(came: AlarmsCame) -> str | None:
    if not came.received:
        return f"of {counted(came.events, 'alarm event')} {came.posted} came by HTTP and {came.heard} by MQTT"
    return None if came.bounded else f"{counted(came.recordings, 'event recording')} lay on the disk at once"


def soak_table(result: Soak) -> str:
    """Write what came of a soak as Markdown."""
    by_fault: defaultdict[str, list[Trial]] = defaultdict(list)
    for trial in result.trials:
        by_fault[trial.fault].append(trial)
    lines = ["| fault | injected | survived | noticed | longest until whole |", "| --- | --- | --- | --- | --- |"]
    for fault, trials in by_fault.items():
        times = [trial.whole_after_s for trial in trials if trial.whole_after_s is not None]
        noticed = sum(trial.noticed for trial in trials)
        longest = f"{max(times):.1f} s" if times else "never"
        lines.append(f"| {fault} | {len(trials)} | {len(times)} | {noticed} | {longest} |")
    first, last = result.base, result.usual_end
    long = last.seconds - first.seconds >= _LEAST_SLOPE_S
    slope = f", a slope of {result.bytes_an_hour / 2**20:+.1f} MiB an hour" if long else ""
    return "\n".join(
        [
            *lines,
            "",
            f"| | after {first.seconds / 60:.1f} min | after {last.seconds / 60:.1f} min |",
            "| --- | --- | --- |",
            f"| memory | {first.memory_bytes / 2**20:.1f} MiB | {last.memory_bytes / 2**20:.1f} MiB |",
            f"| threads | {first.threads} | {last.threads} |",
            f"| file handles | {first.handles} | {last.handles} |",
            f"| fused frames a second | {first.fps:.2f} | {last.fps:.2f} |",
            f"| age of a fused picture (p50) | {first.age_ms:.0f} ms | {last.age_ms:.0f} ms |",
            f"| processor time, of what was asked for | {first.share:.0%} | {last.share:.0%} |",
            "",
            f"{counted(result.fused, 'frame')} fused; memory {result.memory_growth:+.1%}{slope}.",
            *([] if result.alarms is None else ["", *_describe_alarms(result.alarms)]),
            "",
        ]
    )


def _describe_alarms(came: AlarmsCame) -> list[str]:
    heard = str(came.heard) if came.broker else "no mosquitto here"
    return [
        "| alarms | |",
        "| --- | --- |",
        f"| events | {came.events} |",
        f"| received by the webhook's server | {came.posted} |",
        f"| heard from the broker | {heard} |",
        f"| recordings on the disk at once, at most | {came.recordings}, {came.recorded_mb:.1f} MB |",
    ]
