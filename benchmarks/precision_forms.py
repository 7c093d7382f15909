"""The forms of one network: its checkpoint, and the files that `coconet export` and `coconet calibrate` make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from coconet.shipped import CHECKPOINTS, shipped_checkpoint


@dataclass(frozen=True)
class Form:
    """One file of a network, and what it is called in a table."""

    network: str
    label: str
    path: Path


def checkpoint_of(network: str) -> Path:
    """The weights of a shipped network by its word, or the path of a checkpoint."""
    return shipped_checkpoint(network) if network in CHECKPOINTS else Path(network)


def made_forms(network: str, frames: Path, folder: Path, **options: object) -> list[Form]:
    """Export a network in FP32 and FP16, calibrate both on `frames`, and give the four files in `folder`.

    By the commands themselves, so that what is judged is what a user gets; `options` are calibrate's. Raises
    CoconetError as they do.
    """
    export, calibrate = command("export"), command("calibrate")
    stem, source = Path(network).stem, str(checkpoint_of(network))
    single, half = (folder / f"{stem}.{precision}.onnx" for precision in ("fp32", "fp16"))
    export(checkpoint=source, out=single, frames=frames)
    export(checkpoint=source, out=half, frames=frames, half=True)
    forms = [Form(stem, "FP32", single), Form(stem, "FP16", half)]
    for label, model in (("INT8 in FP32", single), ("INT8 in FP16", half)):
        quantized = model.with_suffix(".int8.onnx")
        calibrate(model=model, frames=frames, out=quantized, **options)
        forms.append(Form(stem, label, quantized))
    return forms


def command(name: str) -> Callable[..., Any]:
    """A command by its announcement in setup.py: this room and those of export and calibration meet at files only."""
    (found,) = entry_points(group="coconet.commands", name=name)
    command: Callable[..., Any] = found.load()
    return command
