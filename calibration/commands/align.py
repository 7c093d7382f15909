"""The command `coconet align`: finds how the thermal picture lies on the visible one, shows it, and keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import EditedCamerasArgument, InfraredOption, OverwriteOption, RigOutOption, SaveOption, VisibleOption
from coconet.reading import Reading, reads_pictures


@reads_pictures
def align(
    cameras: EditedCamerasArgument = None,
    visible: VisibleOption = None,
    infrared: InfraredOption = None,
    out: RigOutOption = Path("rig.toml"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, max=64, help="Look at N pairs.")] = 6,
    every: Annotated[int, typer.Option("--every", min=1, help="Take every Nth pair.")] = 15,
    board: Annotated[
        str | None,
        typer.Option("--board", help="Find a heated target: checkerboard:7x5 (inner corners) or circles:7x5."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(
            "--point", help="Name a point seen by both cameras, as x,y=x,y in pixels, infrared first; again for more."
        ),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Write overlay.png and checkerboard.png into this folder.")
    ] = None,
    save: SaveOption = True,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Align a rig by the edges in its pictures, by a board, or by points, and write the result into the rig file."""
    from coconet.calibration.alignment.find_alignment import PICTURES, AlignmentSearch, align_rig, save_alignment
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
    shown = [pictures / name for name in PICTURES] if pictures else []
    written = [*shown, out] if save and rig is None else shown
    check_outputs(written, inputs=[rig, *chosen.sources], overwrite=overwrite, made=[pictures])
    with working("looking at both cameras, then aligning") as work:
        found = align_rig(chosen, AlignmentSearch(pairs, every, board, tuple(point or ())), pictures, work.update)
    console = Console(soft_wrap=True)
    for row in found.alignment.homography:
        console.print("  ".join(f"{value:12.6f}" for value in row), highlight=False)
    console.print(f"{found.method}: {found.summary}")
    for path in found.pictures:
        console.print(path, highlight=False)
    if save:
        if rig is None:
            NewRig.of(chosen, out.parent).write(out)
        save_alignment(rig or out, found.alignment)
        console.print(f"written to {rig or out}", highlight=False)
