"""What is read from an ONNX file before TensorRT sees it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from coconet.cards.model_card import CARD_KEY
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.export.engines.engine_source import read_engine_source
from coconet.files import sha256_of
from tests.support.models.conv_onnx import conv_card, write_conv_model


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_model_of_ours_gives_its_card_and_hash(tmp_path: Path, precision: PrecisionName) -> None:
    path = write_conv_model(tmp_path / "model.onnx", precision)
    source = read_engine_source(path)
    assert (source.path, source.card, source.sha256) == (path, conv_card(precision, (32, 48)), sha256_of(path))


@pytest.mark.parametrize(
    ("zero_point", "words"),
    [(np.uint8(0), "a zero point of type UINT8"), (np.uint8(128), "type UINT8"), (np.int8(3), "other than 0")],
)
def test_a_zero_point_that_tensorrt_misreads_is_refused(tmp_path: Path, zero_point: Any, words: str) -> None:
    model = write_conv_model(tmp_path / "model.onnx", "int8", zero_point=zero_point)
    with pytest.raises(CoconetError, match=f"node quantizelinear.* has .*{words}, which TensorRT would take for"):
        read_engine_source(model)


def change(path: Path, change_node: Callable[[onnx.ModelProto, onnx.NodeProto], object]) -> Path:
    """Apply a change to every node of a model file that quantises."""
    model = onnx.load(path)
    for node in list(model.graph.node):
        if node.op_type == "QuantizeLinear":
            change_node(model, node)
    onnx.save(model, path)
    return path


def test_quantisation_without_a_zero_point_is_uint8_in_onnx_and_refused(tmp_path: Path) -> None:
    model = change(write_conv_model(tmp_path / "model.onnx", "int8"), lambda _, node: node.input.pop())
    with pytest.raises(CoconetError, match="has quantisation to UINT8"):
        read_engine_source(model)


def test_a_computed_zero_point_is_refused(tmp_path: Path) -> None:
    def compute(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
        model.graph.node.insert(0, helper.make_node("Identity", [node.input[2]], [f"{node.name}_zero"]))
        node.input[2] = f"{node.name}_zero"

    model = change(write_conv_model(tmp_path / "model.onnx", "int8"), compute)
    with pytest.raises(CoconetError, match="has a zero point that the graph computes"):
        read_engine_source(model)


def test_a_zero_point_in_a_constant_node_is_seen(tmp_path: Path) -> None:
    def as_node(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
        value = numpy_helper.from_array(np.array(0, np.uint8))
        model.graph.node.insert(0, helper.make_node("Constant", [], [f"{node.name}_zero"], value=value))
        node.input[2] = f"{node.name}_zero"

    model = change(write_conv_model(tmp_path / "model.onnx", "int8"), as_node)
    with pytest.raises(CoconetError, match="has a zero point of type UINT8"):
        read_engine_source(model)


@pytest.mark.parametrize("content", [b"no model", b"", b"\x08\x0a" * 200])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(CoconetError, match="is a text file|is not an ONNX model|is an empty file|has no model card"):
        read_engine_source(path)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx does not exist; expected an ONNX model"):
        read_engine_source(tmp_path / "gone.onnx")


def test_an_onnx_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(
        CoconetError, match=r"has no model card, so it was not made by coconet-edge\. Export the model with"
    ):
        read_engine_source(path)


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    helper.set_model_props(model, {CARD_KEY: "{}"})
    onnx.save(model, path)
    with pytest.raises(CoconetError, match="has a model card that cannot be read"):
        read_engine_source(path)


def test_quantisation_inside_a_branch_is_seen(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    branch = helper.make_graph([helper.make_node("QuantizeLinear", ["x", "scale"], ["inner"])], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch))
    onnx.save(model, path)
    with pytest.raises(CoconetError, match=r"node inner has quantisation to UINT8"):
        read_engine_source(path)


def test_weights_of_uint8_are_refused(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.uint8), "w"))
    model.graph.node.append(helper.make_node("DequantizeLinear", ["w", "scale"], ["weights"]))
    onnx.save(model, path)
    with pytest.raises(CoconetError, match=r"node weights has weights of type UINT8"):
        read_engine_source(path)
