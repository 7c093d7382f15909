"""The command `coconet calibrate`: a float model and frames of both cameras become an INT8 model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.calibration.int8.ranges import ActivationRanges, read_ranges
from coconet.calibration.int8.threshold import MethodName, RangeMethod
from coconet.cards.precision import PRECISIONS
from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, counted
from coconet.model_names import ONNX_WORDS, model_path
from coconet.progress.board import ProgressItems
from coconet.reading import Reading, reads_pictures
from coconet.terminal.console import Console
from coconet.terminal.notice import print_notice

if TYPE_CHECKING:
    from coconet.calibration.int8.frame_set import CalibrationSet, Division
    from coconet.calibration.int8.frame_source import FrameSource
    from coconet.calibration.int8.graph import OnnxModel
    from coconet.calibration.int8.placement import ConvSite
    from coconet.calibration.int8.sensitivity import MixedPrecision, Sensitivity
    from coconet.cards.onnx_card import OnnxFile
    from coconet.runtime.backends.backend import Backend
    from coconet.runtime.frame import FramePair


ENOUGH_FRAMES = 100

DEFAULT = RangeMethod()


@reads_pictures
def calibrate(
    model: Annotated[
        Path,
        typer.Argument(help="Camera-ready ONNX model in FP32 or FP16, or the word of a shipped one."),
    ],
    frames: Annotated[
        Path | None, typer.Option("--frames", help="Measure on this folder of paired pictures, or recording.")
    ] = None,
    rig: Annotated[
        Path | None, typer.Option("--rig", help="Measure on a rig.toml that names two recordings instead.")
    ] = None,
    visible: Annotated[
        str | None, typer.Option("--visible", help="Measure on this visible recording instead, with --infrared.")
    ] = None,
    infrared: Annotated[
        str | None, typer.Option("--infrared", help="Measure on this infrared recording, with --visible.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", min=1, help="Look at every Nth frame.", show_default="1 of a folder, 10 of recordings"),
    ] = None,
    crops: Annotated[
        int,
        typer.Option("--crops", min=0, help="Cut N crops out of the frames, and measure on those; 0: whole frames."),
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write this INT8 model.", show_default="MODEL.int8.onnx")
    ] = None,
    ranges: Annotated[
        Path | None, typer.Option("--ranges", help="Take the ranges of an earlier run instead of measuring.")
    ] = None,
    method: Annotated[
        MethodName | None, typer.Option("--method", help="Choose each range by this method.", show_default=DEFAULT.name)
    ] = None,
    percentile: Annotated[
        float | None,
        typer.Option(
            "--percentile",
            help="Cut each range at this percentile, with --method percentile.",
            show_default=f"{DEFAULT.percentile:g}",
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", help="Compare on this paired folder.", show_default="every fifth frame, not measured on"
        ),
    ] = None,
    min_psnr: Annotated[
        float,
        typer.Option("--min-psnr", help="Keep convolutions in floating point until every frame has this PSNR, in dB."),
    ] = PRECISIONS["int8"].aim_psnr_db,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Compare with this model, such as the FP32 one.", show_default="MODEL"),
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Try every mixture and print the table, needed or not.")
    ] = False,
    keep_if_faster: Annotated[
        float | None,
        typer.Option(
            "--keep-if-faster",
            min=0.0,
            help="Write it only if OpenVINO runs it this many times as fast as MODEL on this processor, such as 1.02. "
            "A GPU is not measured: build engines of both and compare them with coconet bench.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Measure activation ranges and write an INT8 model with explicit Q/DQ, compared with the float one."""
    from coconet.calibration.int8.concat_split import split_concats
    from coconet.calibration.int8.frame_source import SourceChoice, check_frames
    from coconet.calibration.int8.gate import Gate, check_name, ranges_path
    from coconet.calibration.int8.graph import OnnxModel
    from coconet.calibration.int8.placement import quantizable_convs, worth_quantizing
    from coconet.calibration.int8.qdq import quantize_model
    from coconet.calibration.int8.sensitivity import Sensitivity, conv_macs
    from coconet.cards.onnx_card import read_onnx
    from coconet.runtime.backends.choice import check_model
    from coconet.runtime.rig.sample_frames import inputs_of
    from coconet.runtime.verify.reference_backend import CachingBackend, open_to_compare
    from coconet.writing.outputs import check_outputs

    chosen = _method(method, percentile)
    _check_ready(ranges, chosen=bool(method or percentile or crops))
    model, target = _places(model, out)
    check_name(target, model)
    beside = ranges_path(target)
    # Ranges that lie there are written again as they are.
    kept = ranges is not None and os.path.realpath(ranges) == os.path.realpath(beside)
    choice = SourceChoice(frames, rig, visible, infrared, every, reading)
    compared = against and model_path(against)
    inputs = [model, *inputs_of(check), compared, *choice.inputs(), *(() if kept else (ranges,))]
    check_outputs([target, None if kept else beside], inputs=inputs, overwrite=overwrite)
    file = read_onnx(model)
    if against is not None:  # before anything is measured for it
        check_model(against)
    source = choice.open()
    limits = replace(PRECISIONS["int8"].limits, worst_psnr_db=min_psnr)
    float_model = OnnxModel.of(file)
    sites = quantizable_convs(float_model)
    division = _division(source, check_frames(check, reading) if check else None, ranges)
    _warn_of_memory(file, next(iter(division.check)))
    found = _ranges(float_model, sites, division, ranges, chosen, crops)
    if ranges is None and source is not None:
        found = replace(found, record=replace(found.record, front_end=source.front_end()))
    parted = split_concats(float_model, found)
    macs = conv_macs(parted, next(iter(division.check)))
    worthy = worth_quantizing(quantizable_convs(parted), macs)
    with closing(CachingBackend(open_to_compare(against or model))) as reference:
        gate = Gate(model, division.check, limits, reference, PRECISIONS["int8"].metric_change, division.judged)
        _warn_of_pictures(against or model.name, reference, division.check)
        mixture = _mixture(Sensitivity(parted, found, gate, macs), worthy, sensitivity, target)
    quantized = quantize_model(parted, mixture.sites, found)
    if keep_if_faster is not None:
        typer.echo(_required_speed(model, quantized, next(iter(division.check)), keep_if_faster))
    gate.write(quantized, found, target)
    typer.echo(
        f"{target}: {len(mixture.sites)} of {counted(len(macs), 'convolution')} in INT8 "
        f"({mixture.int8_share:.0%} of their arithmetic), {_size(target)} (before: {_size(model)})"
    )
    typer.echo(f"{ranges_path(target)}: {found.record.method} over {counted(found.record.frames, 'frame')}")
    typer.echo(f"against {against or model.name} on {division.origin}: {mixture.parity}")


def _places(model: Path, out: Path | None) -> tuple[Path, Path]:
    """The file of the float model, and where the INT8 one goes: that of a shipped model into the working folder."""
    path = model_path(model)
    return path, out or PRECISIONS["int8"].onnx_beside(Path(path.name) if str(model) in ONNX_WORDS else path)


def _warn_of_memory(file: OnnxFile, pair: FramePair) -> None:
    from coconet.cards.frame_size import FrameSize
    from coconet.runtime.verify.graph_memory import estimate_memory

    text = estimate_memory(file, FrameSize(*file.card.size_within(*pair.visible.pixels.shape[:2]))).warning
    if text:
        print_notice(text)


def _warn_of_pictures(name: str, reference: Backend, frames: Iterable[FramePair]) -> None:
    """Say of pictures that show nothing: INT8 would agree with them all the same."""
    from coconet.metrics.structure import StructureWatch
    from coconet.runtime.frame_check import fit_pairs
    from coconet.runtime.verify.watched import look_at

    watch = StructureWatch()
    for pair in fit_pairs(ProgressItems(frames, "fusing"), reference.card):
        look_at(watch, reference.fuse(pair.visible.pixels, pair.laid_infrared), pair.laid())
    if watch.warning:
        print_notice(f"{name} {watch.warning}")


def _check_ready(ranges: Path | None, *, chosen: bool) -> None:
    """Refuse beside ready ranges what would be ignored."""
    if ranges is not None and chosen:
        raise CoconetError(
            "--ranges",
            wanted="no --method, --percentile or --crops beside it",
            got="one of them",
            remedy="Leave --ranges out to choose new ranges.",
            says="cannot be used with --method, --percentile or --crops",
        )


def _method(name: MethodName | None, percentile: float | None) -> RangeMethod:
    """Combine the two options; a percentile alone chooses that method."""
    if percentile is not None and name not in (None, "percentile"):
        raise CoconetError(
            "--percentile",
            wanted="the method percentile",
            got=str(name),
            remedy="Leave one of the two options out.",
            says=f"cannot be used with --method {name}",
        )
    chosen = name or (DEFAULT.name if percentile is None else "percentile")
    return RangeMethod(chosen, DEFAULT.percentile if percentile is None else percentile)


def _division(source: FrameSource | None, check: FrameSource | None, ranges: Path | None) -> Division:
    from coconet.calibration.int8.frame_set import divide_frames, no_frames, only_compared, survey

    if ranges is not None:
        return only_compared(source, check)
    if source is None:
        raise no_frames("Name some, or give --ranges.")
    found = survey(ProgressItems(source, "looking"))
    typer.echo(f"{source}, {found}")
    return divide_frames(source, found, check)


def _ranges(
    model: OnnxModel,
    sites: list[ConvSite],
    division: Division,
    ranges: Path | None,
    method: RangeMethod,
    crops: int,
) -> ActivationRanges:
    if ranges is None and division.measure is not None:
        return _measured(model, sites, division.measure.with_crops(crops), method)
    assert ranges is not None  # noqa: S101  _division gives nothing to measure only then
    return read_ranges(ranges, model.sha256)


def _measured(model: OnnxModel, sites: list[ConvSite], frames: CalibrationSet, method: RangeMethod) -> ActivationRanges:
    from coconet.calibration.int8.concat_split import joined_tensors
    from coconet.calibration.int8.observer import observe

    if len(frames) < ENOUGH_FRAMES:
        print_notice(
            f"ranges from {counted(len(frames), 'frame')}; {ENOUGH_FRAMES} or more of your own cameras are safer, "
            f"--crops {ENOUGH_FRAMES} is the next best"
        )
    tensors = sorted({site.activation for site in sites} | joined_tensors(model))
    measured = observe(model, tensors, ProgressItems(frames, "measuring")).ranges(method)
    return replace(measured, record=replace(measured.record, method=frames.describe(measured.record.method)))


def _mixture(sensitivity: Sensitivity, sites: list[ConvSite], table: bool, target: Path) -> MixedPrecision:
    """All of the convolutions in INT8 if that holds, else with the table of what it took.

    Raises CoconetError, which names the file that is not written, if no mixture holds.
    """
    from coconet.calibration.int8.sensitivity import (
        damage_table,
        mixture_table,
        steps,
        what_would_help,
        worst_first,
    )

    gate = sensitivity.gate
    measured = None if gate.measured is None else ProgressItems(gate.measured, "comparing")
    shown = replace(gate, frames=ProgressItems(gate.frames, "comparing"), measured=measured)
    tried = [replace(sensitivity, gate=shown).mixture(sites, 0)]
    if tried[0].holds and not table:
        return tried[0]
    damages = list(sensitivity.damages(ProgressItems(sites, "ranking")))
    for keep in ProgressItems(steps(len(sites))[1:], "mixing"):
        tried.append(sensitivity.mixture(worst_first(damages), keep))
        if tried[-1].holds and not table:
            break
    chosen = next((mixture for mixture in tried if mixture.holds), None)
    console = Console()
    console.print(damage_table(damages))
    console.print(mixture_table(tried, sensitivity.model.card.precision, chosen))
    if chosen is None:
        limits, precision = sensitivity.gate.limits, sensitivity.model.card.precision
        remedy, reasons = what_would_help(tried, limits, precision), "; ".join(tried[-1].reasons)
        raise CoconetError(
            target,
            wanted=str(limits),
            got=reasons,
            remedy=remedy,
            says=f"is not written: no mixture of INT8 and {precision} reaches {limits} ({reasons})",
        )
    return chosen


def _required_speed(model: Path, quantized: OnnxModel, pair: FramePair, least: float) -> str:
    """Measure both models on this machine and say how much faster the INT8 one is.

    Raises CoconetError if that is less than asked for, and MissingPackage without OpenVINO.
    """
    from coconet.runtime.backends.openvino.backend import OpenVinoBackend
    from coconet.runtime.frame_check import fit_pairs, size_in_words
    from coconet.runtime.verify.speedup import measure_speedup
    from coconet.writing.scratch import ScratchFolder

    with ScratchFolder() as folder:
        candidate = Path(folder) / "candidate.onnx"
        quantized.write(candidate)
        with closing(OpenVinoBackend(model)) as before, closing(OpenVinoBackend(candidate)) as after:
            fitted = next(iter(fit_pairs([pair], before.card)))
            times, runner = measure_speedup(before, after, fitted), before.name
    size = size_in_words(*fitted.visible.pixels.shape[:2])
    found = f"{times:.2f} times as fast as {model.name} in {runner} on this machine, at {size}"
    if times < least:
        raise CoconetError(
            "--keep-if-faster",
            wanted=f"INT8 {least:g} times as fast or more",
            got=found,
            remedy=f"Run {model.name} here; leave the option out for a model that is for another device.",
            says=f"asks for INT8 {least:g} times as fast or more, but it is {found}",
        )
    return f"INT8 is {found}"


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"
