"""The command `coconet precision`: what FP16 and INT8 cost a network, as one table."""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.cards.precision import PRECISIONS
from coconet.cli import OverwriteOption
from coconet.errors import CoconetError
from coconet.model_endings import CHECKPOINT_SUFFIXES
from coconet.model_names import CHECKPOINTS, checkpoint_path, name_beside
from coconet.progress.board import working
from coconet.writing.scratch import ScratchFolder

if TYPE_CHECKING:
    from coconet.benchmarks.studies.precision import FrameSet


AIM_PSNR_DB = PRECISIONS["int8"].aim_psnr_db


def precision(
    networks: Annotated[
        list[str], typer.Argument(metavar="NETWORK", help=f"The words {', '.join(CHECKPOINTS)}, or checkpoints.")
    ],
    calibrate_on: Annotated[Path, typer.Option("--calibrate-on", help="Calibrate INT8 on this paired folder.")],
    frames: Annotated[Path, typer.Option("--frames", help="Compare on this paired folder, of other pictures.")],
    visible: Annotated[str | None, typer.Option("--visible", help="Compare on this visible video too.")] = None,
    infrared: Annotated[
        str | None, typer.Option("--infrared", help="Compare on this infrared video too, with --visible.")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Take every Nth pair of the videos.")] = 50,
    min_psnr: Annotated[
        float,
        typer.Option("--min-psnr", help="Keep convolutions in floating point until every frame has this PSNR, in dB."),
    ] = AIM_PSNR_DB,
    keep: Annotated[Path | None, typer.Option("--keep", help="Keep the models in this folder.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file as JSON too.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Export, calibrate and compare networks in FP32, FP16 and INT8 with PyTorch, and print one Markdown table."""
    from coconet.benchmarks.studies.precision import (
        made_forms,
        precision_json,
        precision_markdown,
        precision_rows,
    )
    from coconet.files import existing_file, whole_file
    from coconet.runtime.backends.open_backend import open_backend
    from coconet.runtime.rig.sample_frames import check_frames
    from coconet.writing.new_folder import new_folder
    from coconet.writing.outputs import check_outputs

    inputs = [calibrate_on, frames, visible, infrared, *map(checkpoint_path, networks)]
    check_outputs([keep, json_file], inputs=inputs, overwrite=overwrite, made=[keep])
    for network in networks:  # all before the first is exported and calibrated for minutes
        path = checkpoint_path(network)
        existing_file(
            path, f"a checkpoint, or one of the words {', '.join(CHECKPOINTS)}", name_beside(path, CHECKPOINT_SUFFIXES)
        )
    check_frames(calibrate_on)
    sets = _sets(frames, visible, infrared, every)
    rows = []
    with ExitStack() as stack:
        scratch = stack.enter_context(whole_file(json_file)) if json_file else None
        folder = keep or Path(stack.enter_context(ScratchFolder()))
        stack.enter_context(new_folder(folder))
        for network in networks:
            forms = made_forms(network, calibrate_on, folder, min_psnr=min_psnr)
            total = sum(len(one.pairs) for one in sets) * (len(forms) + 1)
            with (
                closing(open_backend(checkpoint_path(network))) as reference,
                working(f"comparing {network}", total) as work,
            ):
                rows += precision_rows(reference, forms, sets, work.advance)
        if scratch:
            scratch.write_text(precision_json(rows) + "\n", encoding="utf-8")
    typer.echo(precision_markdown(rows))


def _sets(frames: Path, visible: str | None, infrared: str | None, every: int) -> list[FrameSet]:
    from coconet.benchmarks.studies.precision import FrameSet
    from coconet.runtime.cameras.pair_folder import FolderFrames
    from coconet.runtime.rig.open_rig import open_rig
    from coconet.runtime.rig.rig_file import Rig

    sets = [FrameSet(frames.name, list(FolderFrames(frames)))]
    if visible is None and infrared is None:
        return sets
    if visible is None or infrared is None:
        raise CoconetError(
            "--visible and --infrared",
            wanted="both videos or neither",
            got="one of them",
            remedy="Name the other one too, or leave both out.",
            says="have to be given together, but only one of them was",
        )
    with open_rig(Rig.from_addresses(visible, infrared)) as stream:
        return [*sets, FrameSet("video", list(islice(stream, 0, None, every)))]
