"""A graph that aligns by itself: it takes the infrared picture at its own size, and where its pixels lie as an input.

The third input, `warp`, says for every visible pixel where it lies in the infrared picture; `warp_table` makes it of
any alignment. It changes with the rig and not with the frame: a runtime hands it over once, and the processor warps
nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP
from coconet.cards.onnx_card import attach_card, read_onnx
from coconet.cards.precision import PRECISIONS
from coconet.errors import CoconetError, MissingPackage
from coconet.files import whole_file
from coconet.media.pixels import Pixels
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import warp_table
from coconet.runtime.verify.parity import ModelPictures, Parity, frame_error, parity_of, require

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingPackage("onnx", job="giving a graph a warp", extra="calibration") from error


_OLDEST_OPSET = 20  # GridSample takes the name `linear` from there on

_TRIED = Alignment(((1.9, 0.05, 6.0), (-0.04, 1.95, 4.0), (1e-5, 2e-5, 1.0)))
"""An alignment that shows what a warp does wrong: it turns, scales, and leaves a border uncovered."""


def write_warped(model: Path, out: Path) -> Parity:
    """Write a camera-ready graph with the third input, once it fuses like the graph behind the runtime's own warp.

    Raises CoconetError for a graph that is not camera-ready, or of an operator set before 20, and for pictures that are
    further apart than the precision allows.
    """
    file = read_onnx(model)
    if (file.card.form, file.card.batch) != ("camera", 1):
        got = f"a {file.card.form} one of batch {file.card.batch}"
        remedy = "Use it as it is." if file.card.form == "warped" else "Export it without --bare and --batch."
        raise CoconetError(
            model,
            wanted="a camera-ready model for one pair",
            got=got,
            remedy=remedy,
            says=f"is {got}; expected a camera-ready model for one pair",
        )
    warped = with_warp(file.model, str(model))
    attach_card(warped, replace(file.card, form="warped"))
    with whole_file(out) as scratch:
        onnx.save(warped, scratch)
        size = FrameSize(file.card.height_px or 241, file.card.width_px or 321)
        parity = parity_of([frame_error(_pictures(model, scratch, size))])
        require(
            parity, PRECISIONS[file.card.precision].limits, f"{out}, against {model.name} behind the runtime's warp"
        )
    return parity


def with_warp(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """The graph with the input `warp`; its infrared input takes any size. Shapes in between are left to be inferred."""
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    casts = [node for node in model.graph.node if INFRARED in node.input]
    if opset < _OLDEST_OPSET or [node.op_type for node in casts] != ["Cast"]:
        got = f"operator set {opset}, infrared read by {', '.join(node.op_type for node in casts) or 'nothing'}"
        raise CoconetError(
            where,
            wanted="a graph of coconet export",
            got=got,
            remedy="Export it again.",
            says=f"is not a graph that coconet export writes today: {got}",
        )
    warped = onnx.ModelProto()
    warped.CopyFrom(model)
    graph = warped.graph
    place = next(index for index, node in enumerate(graph.node) if INFRARED in node.input)
    floats = graph.node[place].output[0]
    graph.node[place].output[0] = f"{WARP}_floats"
    rest = list(graph.node)[place + 1 :]
    del graph.node[place + 1 :]
    graph.node.extend([*_nodes(f"{WARP}_floats", floats), *rest])
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in _constants().items())
    visible, infrared = (next(entry for entry in graph.input if entry.name == name) for name in (VISIBLE, INFRARED))
    height, width = (side.dim_value or side.dim_param for side in visible.type.tensor_type.shape.dim[1:3])
    sides = ["infrared_height", "infrared_width"]
    infrared.CopyFrom(helper.make_tensor_value_info(INFRARED, TensorProto.UINT8, [1, *sides, 1]))
    graph.input.append(helper.make_tensor_value_info(WARP, TensorProto.FLOAT, [1, height, width, 2]))
    onnx.checker.check_model(warped)
    return warped


def _constants() -> dict[str, NDArray[Any]]:
    return {
        f"{WARP}_two": np.array(2, np.float32),
        f"{WARP}_one": np.array(1, np.float32),
        f"{WARP}_sides": np.array([2, 1], np.int64),  # of the shape (1, h, w, 1): x comes first in the table
        f"{WARP}_channel": np.array([1], np.int64),
        f"{WARP}_last": np.array([3], np.int64),
    }


def _nodes(floats: str, out: str) -> list[onnx.NodeProto]:
    """(1, h, w, 1) floats to (1, H, W, 1): sampled between four pixels, 0 outside, and rounded to whole levels."""
    make = helper.make_node
    name = WARP
    return [
        make("Squeeze", [floats, f"{name}_last"], [f"{name}_flat"]),
        make("Unsqueeze", [f"{name}_flat", f"{name}_channel"], [f"{name}_plane"]),
        make("Shape", [floats], [f"{name}_shape"]),
        make("Gather", [f"{name}_shape", f"{name}_sides"], [f"{name}_size"], axis=0),
        make("Cast", [f"{name}_size"], [f"{name}_size_px"], to=TensorProto.FLOAT),
        make("Sub", [f"{name}_size_px", f"{name}_one"], [f"{name}_last_px"]),
        make("Mul", [WARP, f"{name}_two"], [f"{name}_doubled"]),
        make("Div", [f"{name}_doubled", f"{name}_last_px"], [f"{name}_share"]),
        make("Sub", [f"{name}_share", f"{name}_one"], [f"{name}_grid"]),
        make("GridSample", [f"{name}_plane", f"{name}_grid"], [f"{name}_laid"], mode="linear", align_corners=1),
        make("Round", [f"{name}_laid"], [f"{name}_rounded"]),
        make("Squeeze", [f"{name}_rounded", f"{name}_channel"], [f"{name}_rows"]),
        make("Unsqueeze", [f"{name}_rows", f"{name}_last"], [out]),
    ]


def fuse_warped(graph: Path, visible: Pixels, infrared: Pixels, table: NDArray[np.float32]) -> Pixels:
    """Fuse (H, W, C) with (h, w, 1) of any size in ONNX Runtime, node by node as written; for comparisons."""
    import onnxruntime

    from coconet.runtime.backends.ort_cpu import session_options

    session = onnxruntime.InferenceSession(
        str(graph), session_options(optimise=False), providers=["CPUExecutionProvider"]
    )
    fused = session.run([FUSED], {VISIBLE: visible[None], INFRARED: infrared[None], WARP: table})[0][0]
    return np.asarray(fused, np.uint8)


def _pictures(model: Path, graph: Path, size: FrameSize) -> ModelPictures:
    """A synthetic pair, its infrared picture at about half the size, fused by the graph and by what it was made of."""
    from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend

    pair = synthetic_pairs(1, size.height_px, size.width_px)[0]
    small = synthetic_pairs(1, max(32, size.height_px // 2), max(32, size.width_px // 2))[0].infrared.pixels
    visible, size_px = pair.visible.pixels, (size.width_px, size.height_px)
    backend = OnnxRuntimeBackend(model, optimise=False)
    try:
        channels = backend.card.visible_channels
        visible = visible if channels == visible.shape[2] else np.ascontiguousarray(visible[:, :, :channels])
        wanted = backend.fuse(visible, _TRIED.warp(small, size_px))
    finally:
        backend.close()
    return ModelPictures(pair, wanted, fuse_warped(graph, visible, small, warp_table(_TRIED, size_px)))
