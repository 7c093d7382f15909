"""The precision table: every form of a network against the network in PyTorch, on pictures and on video frames."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from coconet.cards.precision import EXPORTED, PRECISIONS
from coconet.media.pixels import Pixels
from coconet.metrics.fusion import VERIFIED
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import checkpoint_path
from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.verify.parity import ModelPictures
from coconet.runtime.verify.reference_backend import open_to_compare
from coconet.runtime.verify.verification import Verification, verification_of


@dataclass(frozen=True)
class Form:
    """One file of a network, and what it is called in a table."""

    network: str
    label: str
    path: Path


def made_forms(network: str, frames: Path, folder: Path, **options: object) -> list[Form]:
    """Export a network in every precision, calibrate each on `frames`, and give all of the files in `folder`.

    By the commands themselves, so that what is judged is what a user gets; `options` are calibrate's. Raises
    CoconetError as they do.
    """
    export, calibrate = command("export"), command("calibrate")
    stem, source = Path(network).stem, str(checkpoint_path(network))
    int8 = PRECISIONS["int8"]
    floats, integers = [], []
    for precision in EXPORTED:
        model = folder / f"{stem}.{precision.name}{ONNX_SUFFIX}"
        asked = {precision.asked_by: True} if precision.asked_by else {}
        export(checkpoint=source, out=model, frames=frames, **asked)
        floats.append(Form(stem, precision.label, model))
    for form in floats:
        quantized = int8.onnx_beside(form.path)
        calibrate(model=form.path, frames=frames, out=quantized, **options)
        integers.append(Form(stem, f"{int8.label} in {form.label}", quantized))
    return floats + integers


def command(name: str) -> Callable[..., Any]:
    """A command by its announcement in setup.py: this room and those of export and calibration meet at files only."""
    (found,) = entry_points(group="coconet.commands", name=name)
    command: Callable[..., Any] = found.load()
    return command


SCHEMA = 1
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""


@dataclass(frozen=True)
class FrameSet:
    """Frames to compare on, and what they are called in the table."""

    name: str
    pairs: Sequence[FramePair]


@dataclass(frozen=True)
class PrecisionRow:
    """One form on one set of frames, against PyTorch. changes: relative change of every metric's mean, 0.01 is 1 %."""

    network: str
    form: str
    size_bytes: int
    frames: str
    psnr_db: float
    worst_psnr_db: float
    ssim: float
    suspicious: int
    changes: dict[str, float]


def precision_rows(
    reference: Backend, forms: Sequence[Form], sets: Sequence[FrameSet], report: Callable[[], None] = lambda: None
) -> list[PrecisionRow]:
    """Fuse every frame with the reference once and with every form; `report` is called after each picture."""
    rows = []
    for frames in sets:
        pairs = list(fit_pairs(frames.pairs, reference.card))
        wanted = [_fused(reference, pair, report) for pair in pairs]
        for form in forms:
            with closing(open_to_compare(form.path)) as candidate:
                found = verification_of(_answers(pairs, wanted, candidate, report))
            rows.append(_row(form, frames.name, found))
    return rows


def precision_json(rows: Sequence[PrecisionRow]) -> str:
    """Everything, indented; an infinite PSNR (equal pictures) is null."""
    plain = [{name: _finite(value) for name, value in dataclasses.asdict(row).items()} for row in rows]
    return json.dumps({"schema": SCHEMA, "rows": plain}, indent=2, allow_nan=False)


def precision_markdown(rows: Sequence[PrecisionRow]) -> str:
    """A row for every form and set: size, PSNR over all and of the worst frame, SSIM, change of the six metrics."""
    heads = ("network", "form", "MB", "frames", "PSNR, dB", "worst", "SSIM", *(metric.name for metric in VERIFIED))
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = [row.network, row.form, f"{row.size_bytes / 1e6:.2f}", row.frames]
        cells += [f"{row.psnr_db:.1f}", f"{row.worst_psnr_db:.1f}", f"{row.ssim:.4f}"]
        cells += [f"{row.changes[metric.name]:+.2%}" for metric in VERIFIED]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _answers(
    pairs: Sequence[FramePair], wanted: Sequence[Pixels], candidate: Backend, report: Callable[[], None]
) -> Iterator[ModelPictures]:
    for pair, reference in zip(pairs, wanted, strict=True):
        yield ModelPictures(pair, reference, _fused(candidate, pair, report))


def _fused(backend: Backend, pair: FramePair, report: Callable[[], None]) -> Pixels:
    fused = backend.fuse(pair.visible.pixels, pair.infrared.pixels)
    report()
    return fused


def _row(form: Form, frames: str, found: Verification) -> PrecisionRow:
    return PrecisionRow(
        network=form.network,
        form=form.label,
        size_bytes=form.path.stat().st_size,
        frames=f"{frames} ({found.parity.frames})",
        psnr_db=found.parity.psnr_db,
        worst_psnr_db=found.parity.worst_psnr_db,
        ssim=found.ssim,
        suspicious=len(found.suspicious),
        changes={delta.metric: delta.relative for delta in found.deltas},
    )


def _finite(value: object) -> object:
    return None if value == float("inf") else value
