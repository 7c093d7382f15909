"""The command `coconet calibrate`: a float model and a folder of frames become an INT8 model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from calibration.ranges import ActivationRanges, read_ranges
from calibration.threshold import MethodName, RangeMethod
from coconet.errors import CoconetError
from runtime.frame import FramePair
from runtime.parity import LIMITS
from runtime.samples import FolderFrames

if TYPE_CHECKING:
    from calibration.onnx_model import OnnxModel
    from calibration.placement import ConvSite

ENOUGH_FRAMES = 100
DEFAULT = RangeMethod()


def calibrate(
    model: Annotated[Path, typer.Argument(help="Camera-ready ONNX model in FP32 or FP16, from coconet export.")],
    frames: Annotated[
        Path | None, typer.Option("--frames", help="Folder of paired pictures to measure on: ir/ and vis/.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The INT8 model (default: MODEL.int8.onnx).")] = None,
    ranges: Annotated[
        Path | None, typer.Option("--ranges", help="Take the ranges of an earlier run instead of measuring.")
    ] = None,
    method: Annotated[
        MethodName | None, typer.Option("--method", help=f"How a range is chosen (default: {DEFAULT.name}).")
    ] = None,
    percentile: Annotated[
        float | None, typer.Option("--percentile", help=f"For that method (default: {DEFAULT.percentile:g}).")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Paired folder to compare on (default: the one of --frames).")
    ] = None,
    min_psnr: Annotated[
        float, typer.Option("--min-psnr", help="Write nothing if one frame is further off than this, in dB.")
    ] = LIMITS["int8"].worst_psnr_db,
) -> None:
    """Measure activation ranges and write an INT8 model with explicit Q/DQ, compared with the float one."""
    from calibration.gate import Gate, ranges_path
    from calibration.onnx_model import OnnxModel
    from calibration.placement import quantizable_convs
    from calibration.qdq import quantized_model

    target = out or model.with_suffix(".int8.onnx")
    chosen = _method(method, percentile, ranges)
    pairs = _progress(_check_frames(check, frames), "comparing")
    gate = Gate(model, pairs, replace(LIMITS["int8"], worst_psnr_db=min_psnr))
    gate.check_name(target)
    float_model = OnnxModel.read(model)
    sites = quantizable_convs(float_model)
    found = _read_or_measure(float_model, sites, frames, ranges, chosen)
    if found.record.frames < ENOUGH_FRAMES:
        _warn(f"ranges from {found.record.frames} frames; {ENOUGH_FRAMES} or more of your own cameras are safer")
    parity = gate.write(quantized_model(float_model, sites, found), found, target)
    convs = sum(node.op_type == "Conv" for node in float_model.nodes)
    typer.echo(f"{target}: {len(sites)} of {convs} convolutions in INT8, {_size(target)} (before: {_size(model)})")
    typer.echo(f"{ranges_path(target)}: {found.record.method} over {found.record.frames} frames")
    typer.echo(f"against {model.name} on {_origin(check, frames)}: {parity}")


def _method(name: MethodName | None, percentile: float | None, ranges: Path | None) -> RangeMethod:
    """Combine the two options, refusing what would be ignored."""
    if ranges is not None and (name is not None or percentile is not None):
        raise CoconetError(
            "--ranges",
            wanted="no --method and no --percentile beside it",
            got="a choice of method",
            remedy="Leave --ranges out to choose ranges anew.",
        )
    if percentile is not None and name not in (None, "percentile"):
        raise CoconetError(
            "--percentile", wanted="the method percentile", got=str(name), remedy="Leave one of the two options out."
        )
    return RangeMethod(name or DEFAULT.name, DEFAULT.percentile if percentile is None else percentile)


def _check_frames(check: Path | None, frames: Path | None) -> FolderFrames:
    folder = check or frames
    if folder is None:
        raise CoconetError(
            "--frames",
            wanted="a folder of paired pictures",
            got="none",
            remedy="Name one; with --ranges, --check will do.",
        )
    return FolderFrames(folder)


def _read_or_measure(
    model: OnnxModel, sites: list[ConvSite], frames: Path | None, ranges: Path | None, method: RangeMethod
) -> ActivationRanges:
    if ranges is not None:
        return read_ranges(ranges, model.sha256)
    if frames is None:
        raise CoconetError(
            "--frames", wanted="a folder of paired pictures", got="none", remedy="Name one, or give --ranges."
        )
    from calibration.observer import observe

    tensors = sorted({site.activation for site in sites})
    return observe(model, tensors, _progress(FolderFrames(frames), "measuring")).ranges(method)


def _progress(frames: FolderFrames, doing: str) -> Iterable[FramePair]:
    console = Console(stderr=True)
    return track(frames, doing, total=len(frames), console=console, disable=not console.is_terminal)


def _origin(check: Path | None, frames: Path | None) -> str:
    return str(check) if check is not None else f"the calibration frames ({frames})"


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"


def _warn(text: str) -> None:
    Console(stderr=True).print(f"[yellow]warning:[/] {text}", soft_wrap=True, highlight=False)
