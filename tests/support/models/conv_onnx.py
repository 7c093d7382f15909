"""A camera-ready ONNX model of two convolutions in any precision, to build engines from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from coconet.cards.model_card import CARD_KEY, FUSED, INFRARED, VISIBLE, CalibrationRecord, ModelCard
from coconet.cards.precision import PrecisionName
from tests.support.models.tiny_onnx import averaging_card

HIDDEN = 16
OPSET = 20


class Graph:
    """Collects nodes and constants; `float_type` is the floating point type of all of them."""

    def __init__(self, float_type: int) -> None:
        self.float_type = float_type
        self.numpy_type = helper.tensor_dtype_to_np_dtype(float_type)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}_node", **attributes))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype or self.numpy_type), name))
        return name

    def conv(self, tensor: str, shape: tuple[int, ...], zero_point: np.generic | None) -> str:
        """A convolution with random weights; with a zero point, its input and its weights go through Q/DQ."""
        weights = np.random.default_rng(0).normal(0, 0.1, shape)
        if zero_point is None:
            return self.node("Conv", tensor, self.constant(weights), pads=[1, 1, 1, 1])
        scale, zero = self.constant(2.0), self.constant(zero_point, zero_point.dtype)
        tensor = self.node("DequantizeLinear", self.node("QuantizeLinear", tensor, scale, zero), scale, zero)
        steps = self.constant(np.clip(np.round(weights * 100), -127, 127), np.int8)
        scales, zeros = self.constant(np.full(shape[0], 0.01)), self.constant(np.zeros(shape[0]), np.int8)
        kernel = self.node("DequantizeLinear", steps, scales, zeros, axis=0)
        return self.node("Conv", tensor, kernel, pads=[1, 1, 1, 1])


def conv_card(precision: PrecisionName, size: tuple[int, int] | None = None) -> ModelCard:
    record = CalibrationRecord(frames=1, frames_sha256="1" * 64, method="max") if precision == "int8" else None
    return replace(averaging_card(size=size), precision=precision, calibration=record)


def write_conv_model(
    path: Path,
    precision: PrecisionName = "fp16",
    size: tuple[int, int] | None = (32, 48),
    zero_point: np.generic | None = None,
) -> Path:
    """Write the model and give back where it is; INT8 is Q/DQ in half precision, with zero points 0 unless given."""
    graph = Graph(TensorProto.FLOAT if precision == "fp32" else TensorProto.FLOAT16)
    zero = np.int8(0) if precision == "int8" and zero_point is None else zero_point
    planes = [
        graph.node("Transpose", graph.node("Cast", name, to=graph.float_type), perm=[0, 3, 1, 2])
        for name in (VISIBLE, INFRARED)
    ]
    hidden = graph.node("Relu", graph.conv(graph.node("Concat", *planes, axis=1), (HIDDEN, 4, 3, 3), zero))
    picture = graph.node("Transpose", graph.conv(hidden, (3, HIDDEN, 3, 3), zero), perm=[0, 2, 3, 1])
    clipped = graph.node("Clip", graph.node("Round", picture), graph.constant(0), graph.constant(255))
    graph.node("Cast", clipped, output=FUSED, to=TensorProto.UINT8)
    onnx.save(_model(graph, conv_card(precision, size), size or ("height", "width")), path)
    return path


def _model(graph: Graph, card: ModelCard, size: tuple[int | str, int | str]) -> onnx.ModelProto:
    visible, infrared, fused = (
        helper.make_tensor_value_info(name, TensorProto.UINT8, [1, *size, depth])
        for name, depth in ((VISIBLE, 3), (INFRARED, 1), (FUSED, 3))
    )
    content = helper.make_graph(graph.nodes, "conv", [visible, infrared], [fused], graph.constants)
    model = helper.make_model(content, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model
