"""What TensorRT 10.3's parser would not take is found before it is tried on a Jetson."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from coconet.export.jetpack_operators import refusals, refusals_by_kind
from tests.support.models.conv_onnx import write_conv_model
from tests.support.models.small_unet import write_unet


def test_our_own_graphs_pass(tmp_path: Path) -> None:
    for path in (write_unet(tmp_path / "unet.onnx", half=True), write_conv_model(tmp_path / "conv.onnx", "int8")):
        assert list(refusals(onnx.load(path))) == []


def model_with(kind: str, dtype: int, opset: int = 20, **attributes: Any) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, dtype, [1, 4]) for name in ("x", "y")]
    nodes = [helper.make_node(kind, ["x"], ["y"], name="odd", **attributes)]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)])


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (model_with("Det", TensorProto.FLOAT), ["operator Det (node odd)"]),
        (model_with("Relu", TensorProto.DOUBLE), ["Relu of DOUBLE (node odd)"] * 2),
        (model_with("Relu", TensorProto.FLOAT, opset=21), ["opset 21, outside 9 to 20"]),
        (model_with("Relu", TensorProto.FLOAT, domain="mine"), ["operator mine.Relu (node odd)"]),
    ],
)
def test_what_it_does_not_know_is_named(model: onnx.ModelProto, said: list[str]) -> None:
    assert list(refusals(model)) == said


def test_bytes_inside_the_network_are_named() -> None:
    model = model_with("Cast", TensorProto.UINT8, to=TensorProto.UINT8)
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["inner"], to=TensorProto.UINT8))
    model.graph.node[1].input[0] = "inner"
    assert list(refusals(model)) == ["UINT8 inside the network (tensor inner)"]


@pytest.mark.parametrize("kind", ["ScatterND", "Sign", "IsNaN", "GatherND", "Mod", "Gelu", "Hardmax", "IsInf", "Mish"])
def test_what_its_list_has_is_not_warned_of(kind: str) -> None:
    assert list(refusals(model_with(kind, TensorProto.FLOAT))) == []


@pytest.mark.parametrize("kind", ["HannWindow", "Bernoulli"])
def test_what_came_later_or_never_is_warned_of(kind: str) -> None:
    assert list(refusals(model_with(kind, TensorProto.FLOAT))) == [f"operator {kind} (node odd)"]


def test_many_nodes_of_one_kind_are_one_clause() -> None:
    model = model_with("Det", TensorProto.FLOAT)
    model.graph.node.append(helper.make_node("Det", ["y"], ["z"], name="other"))
    model.graph.node.append(helper.make_node("BitShift", ["z"], ["w"], name="lone"))
    assert refusals_by_kind(model) == ["operator Det (2 nodes)", "operator BitShift (node lone)"]
