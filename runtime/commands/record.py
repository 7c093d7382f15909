"""The command `coconet record`: both raw streams of a rig, without loss, in a folder or a bag that replays exactly."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import CamerasArgument, InfraredOption, OverwriteOption, RateOption, ReserveOption, VisibleOption
from coconet.reading import Reading, reads_pictures


@reads_pictures
def record(
    cameras: CamerasArgument = None,
    visible: VisibleOption = None,
    infrared: InfraredOption = None,
    fps: RateOption = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Write two videos, stamps and a rig.toml into this folder; or an .mcap file, for ROS and Foxglove.",
        ),
    ] = Path("recording"),
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after N seconds.")] = None,
    reserve_mb: ReserveOption = None,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Record two cameras until they end, the time is over, Ctrl-C is pressed, or SIGTERM or SIGHUP comes."""
    from coconet.runtime.rig.naming.named_cameras import NamedCameras
    from coconet.runtime.rig.naming.rates import rated_by
    from coconet.runtime.rig.recorder import RecordingLimit, record_rig
    from coconet.runtime.rig.rig_file import read_by, written_rig
    from coconet.runtime.sinks.open_sink import is_mcap
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.terminal.console import Console
    from coconet.writing.outputs import check_outputs

    named = NamedCameras.of(cameras or (), visible, infrared)
    chosen, rig = read_by(rated_by(named.rig(), fps), reading), written_rig(named.file)
    made = [] if is_mcap(out) else [out]
    check_outputs([out], inputs=[rig, *chosen.sources], overwrite=overwrite, made=made)
    with stopped_by_signals() as stop:
        counts = record_rig(chosen, rig, out, RecordingLimit(seconds, reserve_mb), stop)
    for side, count in counts.items():
        Console().print(f"{side}: {count}")
    if out.exists():
        replayed = out / "rig.toml" if out.is_dir() else out
        Console(soft_wrap=True).print(f"replay it with: coconet run {shlex.quote(str(replayed))}", highlight=False)
