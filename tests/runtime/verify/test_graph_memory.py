from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import CARD_KEY
from coconet.cards.onnx_card import OnnxFile, read_onnx
from coconet.runtime.verify.graph_memory import MemoryEstimate, estimate_memory
from tests.support.models.tiny_onnx import HIDDEN, averaging_card, write_averaging_model

LARGE = FrameSize(480, 640)


def weights_of(file: OnnxFile) -> int:
    return sum(numpy_helper.to_array(one).nbytes for one in file.model.graph.initializer)


@pytest.mark.parametrize("size", [None, (480, 640)])
def test_what_is_alive_at_the_widest_node_is_counted(tmp_path: Path, size: tuple[int, int] | None) -> None:
    file = read_onnx(write_averaging_model(tmp_path / "m.onnx", size=size))
    # At the ReLU: its HIDDEN maps and those it reads, luma, and the picture of three channels.
    assert estimate_memory(file, LARGE).peak_bytes == 4 * 480 * 640 * (2 * HIDDEN + 1 + 3) + weights_of(file)


def write_attention(path: Path) -> Path:
    """Every pixel of one picture times every one of the other: a matrix of as many rows and columns as pixels."""
    make = helper.make_node
    picture: list[str | int | None] = [1, "height", "width", 1]
    nodes = [
        make("Cast", ["visible"], ["x"], to=TensorProto.FLOAT),
        make("Cast", ["infrared"], ["y"], to=TensorProto.FLOAT),
        make("Reshape", ["x", "column_shape"], ["column"]),
        make("Reshape", ["y", "row_shape"], ["row"]),
        make("MatMul", ["column", "row"], ["energy"]),
        make("ReduceMax", ["energy"], ["largest"], keepdims=1),
        make("Min", ["x", "largest"], ["least"]),
        make("Cast", ["least"], ["fused"], to=TensorProto.UINT8),
    ]
    ends = {name: helper.make_tensor_value_info(name, TensorProto.UINT8, picture) for name in ("visible", "infrared")}
    shapes = {"column_shape": [1, -1, 1], "row_shape": [1, 1, -1]}
    constants = [numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()]
    fused = helper.make_tensor_value_info("fused", TensorProto.UINT8, picture)
    graph = helper.make_graph(nodes, "attention", list(ends.values()), [fused], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {CARD_KEY: averaging_card(1).to_json()})
    onnx.save(model, path)
    return path


def test_an_attention_grows_with_the_square_of_the_picture(tmp_path: Path) -> None:
    area = 480 * 640
    found = estimate_memory(read_onnx(write_attention(tmp_path / "m.onnx")), LARGE).peak_bytes
    assert found == pytest.approx(4 * area**2 + 2 * 4 * area, rel=1e-3)


def test_it_is_warned_of_what_the_machine_can_hardly_hold() -> None:
    assert MemoryEstimate(LARGE, 18 * 10**9, 8 * 10**9).warning.startswith(
        "the graph holds about 18.0 GB at once at 480x640, and this machine has 8.0 GB left"
    )
    assert MemoryEstimate(LARGE, 10**9, 8 * 10**9).warning == ""
    assert MemoryEstimate(LARGE, 18 * 10**9, None).warning == ""
