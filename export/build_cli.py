"""`coconet build`: ONNX to TensorRT engine, for this device or for named GPUs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from coconet.engine_card import BuildOptions, EngineCard, FrameSize, SizeProfile
from coconet.errors import CoconetError


def build(
    model: Annotated[Path, typer.Argument(help="A camera-ready ONNX model of coconet export or coconet calibrate.")],
    gpu: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu", help="Build with TensorRT for RTX for this GPU, such as sm86; may be given several times."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The engine; named after model and GPU if left out.")
    ] = None,
    minimum: Annotated[str | None, typer.Option("--min", help="Smallest frame, height x width: 256x320.")] = None,
    optimum: Annotated[str | None, typer.Option("--opt", help="Frame size to be fastest at: 480x640.")] = None,
    maximum: Annotated[str | None, typer.Option("--max", help="Largest frame: 1024x1280.")] = None,
    workspace_mib: Annotated[
        int | None, typer.Option("--workspace-mib", help="Most scratch memory of a layer.")
    ] = None,
    level: Annotated[int | None, typer.Option("--level", help="0 builds fast, 5 makes the fastest engine.")] = None,
) -> None:
    """Build a TensorRT engine, with the TensorRT of this device or, with --gpu, for GPUs this machine need not have."""
    from export.build_progress import BarProgress
    from export.engine import build_engine, default_engine_path

    gpus = tuple(dict.fromkeys(name.lower() for name in gpu or ()))
    options = BuildOptions(gpus, _profile(minimum, optimum, maximum), workspace_mib, level)
    path = out or default_engine_path(model, options)
    started = time.perf_counter()
    with BarProgress(f"Building {path.name}") as progress:
        card = build_engine(model, path, options, progress)
    Console().print(_table(path, card, time.perf_counter() - started))


def _profile(minimum: str | None, optimum: str | None, maximum: str | None) -> SizeProfile | None:
    given = [FrameSize.parse(text) for text in (minimum, optimum, maximum) if text is not None]
    if not given:
        return None
    if len(given) < 3:
        raise CoconetError(
            "--min, --opt and --max",
            wanted="all three or none",
            got=f"{len(given)} of them",
            remedy="Give the others too.",
        )
    return SizeProfile(*given)


def _table(path: Path, card: EngineCard, seconds: float) -> Table:
    table = Table(title=str(path), title_justify="left", show_header=False)
    rows = {
        "size": f"{path.stat().st_size / 2**20:.2f} MiB",
        "built in": f"{seconds:.1f} s",
        "built by": f"{card.flavour} {card.tensorrt_version}",
        "runs on": ", ".join(card.targets) if card.device is None else f"{card.device} ({', '.join(card.targets)})",
        "precision": card.model.precision,
        "frame sizes": str(card.options.profile or f"{card.model.height_px}x{card.model.width_px}"),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
