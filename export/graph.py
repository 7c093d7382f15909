"""A checkpoint becomes an ONNX graph with its card, camera-ready (bytes in, bytes out) or bare (floats)."""

from __future__ import annotations

import copy
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from coconet.cards.frame_size import FrameSize, SizeRange, check_frame_size
from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, Form, ModelCard
from coconet.cards.onnx_card import attach_card
from coconet.cards.precision import PRECISIONS, REFERENCE, PrecisionName
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.export.layer_names import name_layers
from coconet.export.linked_weights import link_weights
from coconet.files import whole_file
from coconet.networks.camera_ready import BareFuser, Fuser
from coconet.networks.checkpoint import Checkpoint
from coconet.networks.custom import InfraredFirst

try:
    import onnx
    import torch
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
except ImportError as error:
    raise MissingPackage(str(error.name), job="exporting a network", extra="export") from error


OPSET = 20
"""The newest operator set that TensorRT 10.3 (JetPack 6) reads; half-precision Q/DQ scales need 19 or more."""

OPSETS = range(18, 24)
"""What PyTorch's exporter writes; brought down to 17, its graphs no longer load."""

LEAST_SIDE_PX, MOST_SIDE_PX = 17, 8192
"""The sides of a graph of any size."""


@dataclass(frozen=True)
class ExportOptions:
    """What the exported graph is fixed to.

    size: the frame size, or the range of sizes; None for a graph that takes any size.
    visible_channels: 3 for BGR, 1 for gray. precision: what the core runs in, one of EXPORTED.
    batch: pairs at once. opset: of ONNX. form: see ModelCard; the bare form has one visible channel.
    fold: see Fuser; export_checked tries both. linked: a checkpoint beside the graph that keeps the weights, see
    link_weights; only unfolded weights are those of a checkpoint.
    """

    size: FrameSize | SizeRange | None = None
    visible_channels: int = 3
    precision: PrecisionName = REFERENCE
    batch: int = 1
    opset: int = OPSET
    form: Form = "camera"
    fold: bool = True
    linked: Path | None = None

    def __post_init__(self) -> None:
        PRECISIONS[self.precision].exported_dtype()
        if self.opset not in OPSETS:
            wanted = f"{OPSETS[0]} to {OPSETS[-1]}"
            raise CoconetError(
                "opset",
                wanted=wanted,
                got=str(self.opset),
                remedy=f"{OPSET} suits every TensorRT.",
                says=f"must be {wanted}, not {self.opset}",
            )
        if self.form == "bare" and self.visible_channels != 1:
            raise CoconetError(
                "bare form",
                wanted="one visible channel",
                got=str(self.visible_channels),
                remedy="Export it gray.",
                says=f"takes one visible channel, not {self.visible_channels}",
            )

    def ends(self) -> tuple[FrameSize, FrameSize] | None:
        """The smallest and the largest frame size; None for any size."""
        if self.size is None:
            return None
        return self.size.minimum, self.size.maximum


def export_onnx(checkpoint: Checkpoint, out: Path, options: ExportOptions, card: ModelCard | None = None) -> ModelCard:
    """Write the graph of a checkpoint to `out`, whole or not at all, and return its card.

    card: what card_of gives for the same checkpoint and options, if it was called before.
    """
    card = card_of(checkpoint, options) if card is None else card
    with whole_file(out) as scratch:
        onnx.save(to_model(checkpoint, options, card), scratch)
    return card


def card_of(checkpoint: Checkpoint, options: ExportOptions) -> ModelCard:
    """The card of a graph exported with these options. Raises CoconetError for a size too small or too large."""
    ends = options.ends()
    if ends is not None:
        check_frame_size(ends[0].height_px, ends[0].width_px, checkpoint.signature)
        if max(ends[1].height_px, ends[1].width_px) > MOST_SIDE_PX:
            raise CoconetError(
                "frame size",
                wanted=f"at most {MOST_SIDE_PX} pixels a side",
                got=f"{ends[1]} (height x width)",
                remedy="Use smaller pictures.",
                says=f"is {ends[1]} (height x width), which is larger than {MOST_SIDE_PX} pixels a side",
            )
    ranged = ends if ends is not None and ends[0] != ends[1] else None
    fixed = [None if side is None or len(set(side)) > 1 else side[0] for side in _sides(options)]
    return ModelCard(
        network=checkpoint.network,
        precision=options.precision,
        weights_sha256=checkpoint.sha256,
        signature=checkpoint.signature,
        visible_channels=options.visible_channels,
        height_px=fixed[0],
        width_px=fixed[1],
        smallest_px=(ranged[0].height_px, ranged[0].width_px) if ranged else None,
        largest_px=(ranged[1].height_px, ranged[1].width_px) if ranged else None,
        batch=options.batch,
        form=options.form,
        publication=checkpoint.publication,
    )


def fuser_of(checkpoint: Checkpoint, options: ExportOptions) -> Fuser | BareFuser:
    """What is exported, as a PyTorch module; it shares no weights with the checkpoint."""
    if options.form == "camera":
        return camera_fuser_of(checkpoint, options)
    core = copy.deepcopy(checkpoint.core)  # a narrower precision turns its weights in place
    return BareFuser(core, checkpoint.signature, options.precision, fold=options.fold).eval()


def camera_fuser_of(checkpoint: Checkpoint, options: ExportOptions) -> Fuser:
    """The same network taking frames of cameras, whatever form is exported."""
    core = copy.deepcopy(checkpoint.core)  # as above
    return Fuser(core, checkpoint.signature, options.visible_channels, options.precision, fold=options.fold).eval()


def to_model(checkpoint: Checkpoint, options: ExportOptions, card: ModelCard) -> onnx.ModelProto:
    """Trace the network and return the graph with its card in the metadata.

    Raises CoconetError for a network that PyTorch cannot turn into a graph.
    """
    fuser, example, free = fuser_of(checkpoint, options), _example(options), _free_sides(options)
    with _exporter(checkpoint.network, options), torch.no_grad():
        program = torch.onnx.export(
            _captured(fuser, example, free),
            example,
            dynamo=True,
            opset_version=options.opset,
            input_names=[VISIBLE, INFRARED],
            output_names=[FUSED],
            dynamic_shapes=(free, free) if free else None,
            verbose=False,
        )
    model = cast("torch.onnx.ONNXProgram", program).model_proto  # None only where a file is written at once
    name_layers(model.graph, "core.network" if isinstance(fuser.core, InfraredFirst) else "core")
    _forget_origins(model.graph)
    if options.linked is not None:
        link_weights(model, options.linked)
    attach_card(model, card)
    return model


def _captured(
    fuser: Fuser | BareFuser, example: tuple[torch.Tensor, torch.Tensor], free: dict[int, torch.export.Dim]
) -> torch.export.ExportedProgram | Fuser | BareFuser:
    """The network followed once with open sides; the module as it is, for PyTorch's slower ways, if that fails.

    What PyTorch cannot prove of the sides, such as where a frame is cut out of its padding, it would take for a limit
    of the network and trace it again, which takes several times as long. It is left open here: the gate compares
    further sizes.
    """
    try:
        return torch.export.export(
            fuser,
            example,
            dynamic_shapes=(free, free) if free else None,
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
    except GuardOnDataDependentSymNode:  # the slower ways would take the branch of the example for the only one
        raise
    except Exception:  # the code is anyone's; torch.onnx.export says what stays wrong
        return fuser


def _forget_origins(graph: onnx.GraphProto) -> None:
    """Drop what PyTorch notes of where each node and value came from: file names of the machine that exported."""
    for entry in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del entry.metadata_props[:]
        entry.doc_string = ""


def _sides(options: ExportOptions) -> list[tuple[int, int] | None]:
    """The least and the most of height and width; None twice for any size."""
    ends = options.ends()
    if ends is None:
        return [None, None]
    return [(ends[0].height_px, ends[1].height_px), (ends[0].width_px, ends[1].width_px)]


def _free_sides(options: ExportOptions) -> dict[int, torch.export.Dim]:
    """Axis to what it may hold, for every side that is not fixed."""
    first = 2 if options.form == "bare" else 1
    free = {}
    for axis, (name, side) in enumerate(zip(("height", "width"), _sides(options), strict=True), start=first):
        least, most = side or (LEAST_SIDE_PX, MOST_SIDE_PX)
        if least != most:
            free[axis] = torch.export.Dim(name, min=least, max=most)
    return free


def _example(options: ExportOptions) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames to trace with. Any free side will do, but an even one might be taken for a rule."""
    height, width = (
        odd if side is None else side[0] if side[0] == side[1] else (side[0] + 1) | 1
        for side, odd in zip(_sides(options), (107, 133), strict=True)
    )
    if options.form == "bare":
        image = torch.zeros(options.batch, 1, height, width)
        return image, image.clone()
    pictures = (options.batch, height, width)
    visible = torch.zeros(*pictures, options.visible_channels, dtype=torch.uint8)
    return visible, torch.zeros(*pictures, 1, dtype=torch.uint8)


class _OtherThreadsStderr:
    """The stderr of all threads but the one that makes it: there PyTorch prints every graph that it gives up."""

    def __init__(self) -> None:
        self._stream, self._silent = sys.stderr, threading.get_ident()

    def write(self, text: str) -> int:
        """Pass a text on, or drop it."""
        return len(text) if threading.get_ident() == self._silent else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_TALKATIVE = ("torch.onnx", "torch.fx.experimental.symbolic_shapes")
"""The loggers that tell of what the exporter tries and of which of torchvision's operators it does without."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off the terminal what the exporter says of its own internals."""
    with ExitStack() as stack:
        for log in map(logging.getLogger, _TALKATIVE):
            stack.callback(log.setLevel, log.level)
            log.setLevel(logging.ERROR)
        stack.enter_context(redirect_stderr(cast("IO[str]", _OtherThreadsStderr())))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _exporter(network: str, options: ExportOptions) -> Iterator[None]:
    try:
        with _quiet():
            yield
    except GuardOnDataDependentSymNode as error:
        place = re.search(r'raised this error:\s+File "(.+?)", line (\d+)', str(error))
        where = f", at {place[1]}:{place[2]}" if place else ""
        raise CoconetError(
            f"network {network}",
            wanted="a network that computes the same steps for every picture",
            got=f"one that decides by the values of the picture{where}",
            remedy="Rewrite what depends on the values of the picture, such as an if, with torch.where.",
            says=f"cannot become a graph: it decides by the values of the picture{where}",
        ) from error
    except torch.onnx.OnnxExporterError as error:
        raise CoconetError(
            f"network {network}",
            wanted=f"a network that can become a graph for {options.size or 'any size'}",
            got=first_line(error.__cause__ or error),
            remedy="Rewrite what depends on the values of the picture."
            if options.size
            else "Pad with --multiple to what its layers halve by, or name one frame size with --size HEIGHTxWIDTH.",
            says=f"cannot become a graph for {options.size or 'any size'}: {first_line(error.__cause__ or error)}",
        ) from error
