"""The command `coconet run`: two cameras and a model become one fused stream."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.errors import CoconetError

if TYPE_CHECKING:
    from runtime.rig import Rig


def run(
    rig: Annotated[Path | None, typer.Argument(help="A rig.toml; or name both cameras instead.")] = None,
    visible: Annotated[str | None, typer.Option("--visible", help="The visible camera, video or folder.")] = None,
    infrared: Annotated[str | None, typer.Option("--infrared", help="The infrared camera, video or folder.")] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="An .onnx, .engine or checkpoint, or a word: lite, lite-int8, coconet; average, maximum, pyramid.",
        ),
    ] = "lite",
    out: Annotated[
        str | None,
        typer.Option("--out", help="A video (.mp4, .mkv, .mov), or a folder for pictures.", show_default="nowhere"),
    ] = None,
    backend: Annotated[
        str, typer.Option("--backend", help="What runs it: auto, ort, ort-cuda, openvino, tensorrt, torch.")
    ] = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file too.")] = None,
    frames: Annotated[int | None, typer.Option("--frames", min=1, help="Stop after so many fused frames.")] = None,
) -> None:
    """Fuse two cameras, or two recordings, until they end or Ctrl-C is pressed."""
    from rich.console import Console

    from coconet.engine_card import ENGINE_SUFFIX
    from coconet.files import whole_file
    from runtime.backend_choice import choose_backend
    from runtime.cuda_device import first_cuda_device
    from runtime.run import run_rig

    if rig is not None and rig.suffix == ENGINE_SUFFIX:
        rig, model = None, str(rig)
    choice = choose_backend(model, backend)
    if choice.kind == "tensorrt":
        first_cuda_device()  # without a GPU nothing else about the command matters
    Console(stderr=True).print(f"backend {choice.kind}: {choice.reason}", soft_wrap=True, highlight=False)
    with whole_file(json_file) if json_file else nullcontext() as scratch:
        report = run_rig(_chosen_rig(rig, visible, infrared), choice, out, limit=frames)
        if scratch:
            scratch.write_text(report.to_json())
    Console().print(report.to_table())


def _chosen_rig(file: Path | None, visible: str | None, infrared: str | None) -> Rig:
    from runtime.rig import Rig

    if file is not None and visible is None and infrared is None:
        return Rig.from_file(file)
    if file is None and visible is not None and infrared is not None:
        return Rig.from_addresses(visible, infrared)
    given = {"a rig file": file, "--visible": visible, "--infrared": infrared}
    raise CoconetError(
        "cameras",
        wanted="a rig file, or both --visible and --infrared",
        got=" and ".join(name for name, value in given.items() if value is not None) or "none of them",
        remedy="For example: coconet run --visible day.mp4 --infrared night.mp4 --out fused.mp4",
    )
