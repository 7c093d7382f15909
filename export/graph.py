"""A checkpoint becomes a camera-ready ONNX graph: uint8 frames in, a uint8 picture out, one file with its card."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from coconet.checkpoint import Checkpoint
from coconet.engine_card import FrameSize
from coconet.errors import CoconetError, MissingPackage
from coconet.files import whole_file
from coconet.fuser import Fuser, check_frame_size
from coconet.onnx_file import attach_card
from coconet.signature import FUSED, INFRARED, VISIBLE, ModelCard, Precision

try:
    import onnx
    import torch
except ImportError as error:
    raise MissingPackage(str(error.name), job="exporting a network", extra="export") from error

OPSET = 20
"""The newest operator set that TensorRT 10.3 (JetPack 6) reads; half-precision Q/DQ scales need 19 or more."""


@dataclass(frozen=True)
class ExportOptions:
    """What the exported graph is fixed to.

    size: the frame size; None for a graph that takes any size.
    visible_channels: 3 for BGR, 1 for gray. precision: `fp32`, or `fp16` for a core in half precision.
    """

    size: FrameSize | None = None
    visible_channels: int = 3
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        if self.precision == "int8":
            raise CoconetError(
                "precision",
                wanted="fp32 or fp16",
                got="int8",
                remedy="Export fp32 or fp16 first, then make the INT8 graph with coconet calibrate.",
            )


def export_onnx(checkpoint: Checkpoint, out: Path, options: ExportOptions) -> ModelCard:
    """Write the camera-ready graph of a checkpoint to `out`, whole or not at all, and return its card."""
    card = card_of(checkpoint, options)
    with whole_file(out) as scratch:
        onnx.save(to_model(checkpoint, options, card), scratch)
    return card


def card_of(checkpoint: Checkpoint, options: ExportOptions) -> ModelCard:
    """The card of a graph exported with these options. Raises CoconetError for a size too small for the network."""
    if options.size is not None:
        check_frame_size(options.size.height_px, options.size.width_px, checkpoint.signature)
    return ModelCard(
        network=checkpoint.network,
        precision=options.precision,
        weights_sha256=checkpoint.sha256,
        signature=checkpoint.signature,
        visible_channels=options.visible_channels,
        height_px=options.size.height_px if options.size else None,
        width_px=options.size.width_px if options.size else None,
    )


def fuser_of(checkpoint: Checkpoint, options: ExportOptions) -> Fuser:
    """What is exported, as a PyTorch module; it shares no weights with the checkpoint."""
    core = copy.deepcopy(checkpoint.core)  # half precision turns its weights in place
    return Fuser(core, checkpoint.signature, options.visible_channels, half=options.precision == "fp16").eval()


def to_model(checkpoint: Checkpoint, options: ExportOptions, card: ModelCard) -> onnx.ModelProto:
    """Trace the network and return the graph with its card in the metadata.

    Raises CoconetError for a network that PyTorch cannot turn into a graph.
    """
    fuser = fuser_of(checkpoint, options)
    example = options.size or FrameSize(107, 133)  # any will do, but an even one might be taken for a rule
    sides = (1, example.height_px, example.width_px)
    frames = (
        torch.zeros(*sides, options.visible_channels, dtype=torch.uint8),
        torch.zeros(*sides, 1, dtype=torch.uint8),
    )
    free = {1: torch.export.Dim("height", min=17, max=8192), 2: torch.export.Dim("width", min=17, max=8192)}
    with _exporter(checkpoint.network, options), torch.no_grad():
        program = torch.onnx.export(
            fuser,
            frames,
            dynamo=True,
            opset_version=OPSET,
            input_names=[VISIBLE, INFRARED],
            output_names=[FUSED],
            dynamic_shapes=None if options.size else (free, free),
            verbose=False,
        )
    model = cast("torch.onnx.ONNXProgram", program).model_proto  # None only where a file is written at once
    attach_card(model, card)
    return model


@contextmanager
def _exporter(network: str, options: ExportOptions) -> Iterator[None]:
    # The exporter warns about its own internals and logs which of torchvision's operators it does without.
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except torch.onnx.OnnxExporterError as error:
        raise CoconetError(
            f"network {network}",
            wanted=f"a network that can become a graph for {options.size or 'any size'}",
            got=str(error.__cause__ or error).strip().splitlines()[0],
            remedy="Rewrite what depends on the values of the picture."
            if options.size
            else "Name one frame size with --size HEIGHTxWIDTH.",
        ) from error
    finally:
        log.setLevel(level)
