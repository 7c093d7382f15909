"""The command `coconet offset`: finds how much later one camera stamps than the other, and keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import EditedCamerasArgument, InfraredOption, OverwriteOption, RigOutOption, SaveOption, VisibleOption
from coconet.reading import Reading, reads_pictures


@reads_pictures
def offset(
    cameras: EditedCamerasArgument = None,
    visible: VisibleOption = None,
    infrared: InfraredOption = None,
    out: RigOutOption = Path("rig.toml"),
    seconds: Annotated[float, typer.Option("--seconds", min=3, max=600, help="Watch for this many seconds.")] = 20,
    most_ms: Annotated[
        float, typer.Option("--most-ms", min=50, max=5000, help="Look for offsets of up to this many milliseconds.")
    ] = 1000,
    save: SaveOption = True,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Find the time offset of a rig by what moves in both pictures, and write it into the rig file."""
    from coconet.calibration.alignment.find_time_offset import save_offset, search_offset
    from coconet.progress.board import working
    from coconet.runtime.rig.edit import NewRig
    from coconet.runtime.rig.naming.named_cameras import NamedCameras
    from coconet.runtime.rig.naming.one_source import check_two_sources
    from coconet.runtime.rig.rig_file import read_by, written_rig
    from coconet.terminal.console import Console
    from coconet.writing.outputs import check_outputs, check_writable

    named = NamedCameras.of(cameras or (), visible, infrared)
    chosen, rig = read_by(named.rig(), reading), written_rig(named.file)
    check_two_sources(chosen)
    if save and rig is not None:
        check_writable(rig)
    check_outputs([out] if save and rig is None else [], inputs=chosen.sources, overwrite=overwrite)
    with working("watching what moves", seconds) as work:

        def on_seen(seen_s: float) -> None:
            work.update("watching what moves, seconds", done=seen_s)

        found = search_offset(chosen, seconds, most_ms, on_seen=on_seen)
    console = Console(soft_wrap=True)
    later, earlier = ("infrared", "visible") if found.lag_ms > 0 else ("visible", "infrared")
    console.print(f"{later} stamps are {abs(found.lag_ms):.1f} ms later than {earlier} ones")
    console.print(f"agreement {found.peak:.2f}, next best {found.second:.2f}, in {found.span_s:.0f} s")
    if save:
        if rig is None:
            NewRig.of(chosen, out.parent).write(out)
        for role, offset_ms in save_offset(rig or out, found).items():
            console.print(f"{role}.offset_ms = {offset_ms:g}")
        console.print(f"written to {rig or out}")
