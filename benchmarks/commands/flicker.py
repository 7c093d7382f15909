"""The command `coconet steadiness`."""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.model_names import RULES
from coconet.progress.board import working
from coconet.terminal.console import Console


def steadiness(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help=f"Checkpoints, .onnx files, {', '.join(RULES)}.")
    ],
    visible: Annotated[str, typer.Option("--visible", help="Fuse this visible video, or folder of frames.")],
    infrared: Annotated[str, typer.Option("--infrared", help="Fuse this infrared video, or folder of frames.")],
    frames: Annotated[int | None, typer.Option("--frames", min=2, help="Stop after N fused frames.")] = None,
    stride: Annotated[int, typer.Option("--stride", min=1, help="Fuse only two neighbours of every N frames.")] = 1,
    scale: Annotated[
        float, typer.Option("--scale", min=0.05, max=1.0, help="Scale the frames by this factor first.")
    ] = 1.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file as JSON too.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Measure how much fused videos flicker where both cameras show no motion, compared with the cameras themselves."""
    from coconet.benchmarks.studies.excerpt import Excerpt
    from coconet.benchmarks.studies.flicker import measure_steadiness, steadiness_json, steadiness_table
    from coconet.files import whole_file
    from coconet.model_names import model_labels, model_path
    from coconet.runtime.backends.open_backend import open_backend
    from coconet.runtime.rig.open_rig import open_rig
    from coconet.runtime.rig.rig_file import Rig
    from coconet.writing.outputs import check_outputs

    check_outputs([json_file], inputs=[visible, infrared, *map(model_path, models)], overwrite=overwrite)
    excerpt = Excerpt(stride, frames, scale)
    with ExitStack() as stack:
        scratch = stack.enter_context(whole_file(json_file) if json_file else nullcontext())
        opened = [stack.enter_context(closing(open_backend(model))) for model in models]
        pairs = stack.enter_context(open_rig(Rig.from_addresses(visible, infrared)))
        expected = excerpt.count(pairs.frames_expected)
        work = stack.enter_context(working("fusing", None if expected is None else expected * len(models)))
        named = list(zip(model_labels(models), opened, strict=True))
        found = measure_steadiness(named, excerpt.of(pairs), report=work.advance)
        if scratch:
            scratch.write_text(steadiness_json(found) + "\n", encoding="utf-8")
    Console().print(steadiness_table(found))
