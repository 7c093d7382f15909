"""The command `coconet export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from coconet.engine_card import FrameSize


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Weights: .safetensors of ours, or the published .pth.")],
    out: Annotated[Path | None, typer.Option(help="The ONNX file; next to the checkpoint when omitted.")] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH, such as 480x640; any size when omitted.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Run the network in half precision (FP16).")] = False,
    gray: Annotated[bool, typer.Option("--gray", help="The visible camera is gray, one channel.")] = False,
    frames: Annotated[
        Path | None, typer.Option(help="Paired folder to compare on; painted scenes when omitted.")
    ] = None,
) -> None:
    """Write the camera-ready ONNX graph of a checkpoint, once it agrees with PyTorch on real frames."""
    from coconet.checkpoint import load_checkpoint
    from export.agreement import export_checked
    from export.graph import ExportOptions

    console = Console(stderr=True)
    fixed = FrameSize.parse(size) if size else None
    options = ExportOptions(fixed, visible_channels=1 if gray else 3, precision="fp16" if half else "fp32")
    target = out or checkpoint.with_suffix(".fp16.onnx" if half else ".onnx")
    with console.status(f"Exporting {checkpoint.name} and comparing it with PyTorch ..."):
        parity = export_checked(load_checkpoint(checkpoint), target, options, frames)
    typer.echo(f"{target}: {options.precision}, {size or 'any size'}, {target.stat().st_size / 1e6:.1f} MB")
    typer.echo(f"against PyTorch on {parity.frames} frames: {parity}")
