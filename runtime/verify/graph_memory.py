"""Graph memory: how many bytes an ONNX graph holds at once while it fuses a frame, before it is run on one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import FUSED, INFRARED, VISIBLE
from coconet.cards.onnx_card import OnnxFile
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.installation.kernel_files import bytes_in
from coconet.runtime.backends.onnx_failure import ort_reason
from coconet.runtime.backends.ort_cpu import session_options

try:
    import onnx
    import onnxruntime
except ImportError as error:
    raise MissingPackage(str(error.name), job="looking into ONNX graphs", extra="calibration") from error


SMALL, LARGER = FrameSize(48, 64), FrameSize(96, 128)
"""The frames that a graph of open sizes is tried on; how every tensor grows between them tells the rest."""

VIEWS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"})
"""Operators whose answer lies where what they read lay."""

SHARE_OF_FREE = 0.5
"""A graph that needs more than this share of the free memory is warned of: the estimate leaves scratch memory out."""


@dataclass(frozen=True)
class MemoryEstimate:
    """What a graph holds at once at a frame size. free_bytes: what the machine has left; None if it does not say."""

    size: FrameSize
    peak_bytes: int
    free_bytes: int | None

    @property
    def warning(self) -> str:
        """What to say before it is run; empty if it fits well."""
        if self.free_bytes is None or self.peak_bytes <= SHARE_OF_FREE * self.free_bytes:
            return ""
        return (
            f"the graph holds about {self.peak_bytes / 1e9:.1f} GB at once at {self.size}, and this machine has "
            f"{self.free_bytes / 1e9:.1f} GB left; use smaller frames, or a machine with more memory"
        )


def estimate_memory(file: OnnxFile, size: FrameSize) -> MemoryEstimate:
    """Estimate what a camera-ready graph of one pair holds at once for frames of this size, weights included.

    Every tensor counts from the node that makes it to the last that reads it, what ONNX Runtime computes with beside
    them does not. Raises CoconetError if the graph does not run.
    """
    return MemoryEstimate(size, _peak(file.model.graph, _bytes_of(file, size)), _free_bytes())


def _bytes_of(file: OnnxFile, size: FrameSize) -> dict[str, int]:
    """The bytes of every tensor that nodes make, by its name."""
    if file.card.height_px is not None and file.card.width_px is not None:
        return _stated(file.model)
    small, larger = (_measured(file, file.card.size_within(one.height_px, one.width_px)) for one in (SMALL, LARGER))
    (least, fewer), (most, more) = small, larger
    if least == most:
        return more
    return {name: _grown(fewer[name], more[name], least, most, size.height_px * size.width_px) for name in more}


def _grown(fewer: int, more: int, least: int, most: int, area: int) -> int:
    """Follow a power law through two points: 1 for maps, 2 for the energies of an attention, 0 for what is fixed."""
    if min(fewer, more) == 0 or fewer == more:
        return more
    power = math.log(more / fewer) / math.log(most / least)
    return round(more * math.pow(area / most, power))


def _measured(file: OnnxFile, size: tuple[int, int]) -> tuple[int, dict[str, int]]:
    """Run the graph on black frames; return their area and the bytes of every tensor."""
    names = [name for node in file.model.graph.node for name in node.output if name and name != FUSED]
    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    visible = np.zeros((1, *size, file.card.visible_channels or 3), np.uint8)
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), session_options(optimise=False), providers=["CPUExecutionProvider"]
        )
        found = session.run([*names, FUSED], {VISIBLE: visible, INFRARED: np.zeros((1, *size, 1), np.uint8)})
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise CoconetError(
            file.path,
            wanted=f"a graph that runs at {size[0]}x{size[1]}",
            got=f"from ONNX Runtime: {first_line(error)}",
            remedy="Export the model again with coconet export.",
            says=f"does not run at {size[0]}x{size[1]}: {ort_reason(error)}",
        ) from error
    return size[0] * size[1], {name: array.nbytes for name, array in zip([*names, FUSED], found, strict=True)}


def _stated(model: onnx.ModelProto) -> dict[str, int]:
    """The same of a graph of one size, by the shapes that stand in it."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {value.name: _bytes_stated(value.type.tensor_type) for value in (*graph.value_info, *graph.output)}


def _bytes_stated(tensor: onnx.TypeProto.Tensor) -> int:
    if tensor.elem_type not in onnx.helper.get_all_tensor_dtypes():
        return 0
    return _itemsize(tensor.elem_type) * math.prod(int(axis.dim_value) for axis in tensor.shape.dim)


def _itemsize(onnx_type: int) -> int:
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(onnx_type)).itemsize


def _peak(graph: onnx.GraphProto, sizes: Mapping[str, int]) -> int:
    """The most bytes alive at any node, views counted once, beside the weights."""
    place = {node.output[0]: node.input[0] for node in graph.node if node.op_type in VIEWS}
    last: dict[str, int] = {}
    for step, node in enumerate(graph.node):
        last.update({_root(name, place): step for name in (*node.input, *node.output) if name})
    last.update({_root(value.name, place): len(graph.node) for value in graph.output})
    alive = peak = 0
    for step, node in enumerate(graph.node):
        alive += sum(sizes.get(name, 0) for name in node.output if name not in place)
        peak = max(peak, alive)
        ended = {_root(name, place) for name in (*node.input, *node.output) if name}
        alive -= sum(sizes.get(name, 0) for name in ended if last[name] == step)
    return peak + sum(_itemsize(tensor.data_type) * math.prod(map(int, tensor.dims)) for tensor in graph.initializer)


def _root(name: str, place: Mapping[str, str]) -> str:
    while name in place:
        name = place[name]
    return name


def _free_bytes() -> int | None:
    """What programs can still take, in bytes, as Linux reckons; None if it does not say."""
    return bytes_in(Path("/proc/meminfo"), "MemAvailable")
