"""The command `coconet init`: looks at two cameras and writes the rig file that fits them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import InfraredOption, NewCamerasArgument, OverwriteOption, VisibleOption
from coconet.reading import Reading, reads_pictures


@reads_pictures
def init(
    cameras: NewCamerasArgument = None,
    visible: VisibleOption = None,
    infrared: InfraredOption = None,
    out: Annotated[Path, typer.Option("--out", help="Write this rig file.")] = Path("rig.toml"),
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", help="Keep the password of the addresses in this new file, mode 600."),
    ] = None,
    align: Annotated[bool, typer.Option("--align/--no-align", help="Find the alignment too.")] = True,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Look at both cameras, and write a rig file: addresses without passwords, and how the pictures fit together."""
    from coconet.errors import ExitCode, ending_with
    from coconet.progress.board import working
    from coconet.runtime.rig.edit import NewRig
    from coconet.runtime.rig.new_rig import both_sides, look_at_rig, with_password_file
    from coconet.writing.outputs import check_outputs

    rig = both_sides(cameras or (), visible, infrared, reading)
    check_outputs([out, password_file], inputs=rig.sources, overwrite=overwrite)
    with ending_with(ExitCode.CAMERA), working("looking at both cameras") as work:
        found = look_at_rig(rig, align=align, step=work.update)
    new = NewRig.of(found.rig, out.parent, found.told)
    if password_file is not None:
        new = with_password_file(new, password_file)
    new.write(out)
    for name, told in found.told.items():
        typer.echo(f"{name}: {told}")
    typer.echo(f"written to {out}")
    for name in new.secrets:
        typer.echo(f"the password is not in it; before a run: read -rs {name} && export {name}")
