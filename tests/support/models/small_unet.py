"""A camera-ready U-Net of seven convolutions with random weights: what calibration has to cope with, at a tiny size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from coconet.cards.model_card import CARD_KEY, FUSED, INFRARED, VISIBLE, ModelCard

CONVS = ("first", "down", "shared_a", "shared_b", "thin", "up", "last")
QUANTIZED = ("down", "shared_a", "shared_b", "up")
"""Left out: the first and the last, and `thin`, which has 4 channels."""


def unet_card(size: tuple[int, int] | None = None, half: bool = False) -> ModelCard:
    height, width = size or (None, None)
    return ModelCard("unet", "fp16" if half else "fp32", "0" * 64, visible_channels=1, height_px=height, width_px=width)


def write_unet(path: Path, size: tuple[int, int] | None = None, half: bool = False) -> Path:
    """Write the model for frames of (height, width), or of any even size, with the core in FP32 or FP16."""
    writer = _Writer(TensorProto.FLOAT16 if half else TensorProto.FLOAT)
    _core(writer, *(_plane(writer, side) for side in (VISIBLE, INFRARED)))
    sides = size or ("height", "width")
    pixels = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, [1, *sides, 1]) for name in (VISIBLE, INFRARED, FUSED)
    ]
    graph = helper.make_graph(writer.nodes, "unet", pixels[:2], pixels[2:], writer.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {CARD_KEY: unet_card(size, half).to_json()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


@dataclass
class _Writer:
    """Nodes and constants of one graph; tensors are named by hand."""

    float_type: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: Any, name: str) -> str:
        array = np.asarray(value, helper.tensor_dtype_to_np_dtype(self.float_type))
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def conv(self, source: str, name: str, inputs: int, outputs: int) -> str:
        weight = self.rng.normal(0, np.sqrt(2 / (9 * inputs)), (outputs, inputs, 3, 3))
        weight *= self.rng.uniform(0.2, 1.5, (outputs, 1, 1, 1))  # channels of unlike size, as trained ones are
        bias = self.rng.normal(0, 0.1, outputs)
        parameters = [self.constant(weight, f"{name}.weight"), self.constant(bias, f"{name}.bias")]
        return self.add("Conv", [source, *parameters], name, pads=[1, 1, 1, 1])

    def block(self, source: str, name: str, inputs: int, outputs: int) -> str:
        return self.add("LeakyRelu", [self.conv(source, name, inputs, outputs)], f"{name}.act", alpha=0.2)


def _plane(writer: _Writer, side: str) -> str:
    """(1, H, W, 1) uint8 to (1, 1, H, W) in 0..1."""
    floats = writer.add("Cast", [side], f"{side}.float", to=writer.float_type)
    planes = writer.add("Transpose", [floats], f"{side}.plane", perm=[0, 3, 1, 2])
    return writer.add("Mul", [planes, writer.constant(1 / 255, f"{side}.step")], f"{side}.unit")


def _core(writer: _Writer, visible: str, infrared: str) -> None:
    both = writer.add("Concat", [visible, infrared], "both", axis=1)
    first = writer.block(both, "first", 2, 16)
    pooled = writer.add("MaxPool", [first], "pooled", kernel_shape=[2, 2], strides=[2, 2])
    down = writer.block(pooled, "down", 16, 32)
    shared = [writer.conv(down, name, 32, 16) for name in ("shared_a", "shared_b")]
    thin = writer.conv(writer.add("Add", shared, "sum"), "thin", 16, 4)
    deep = writer.add("Concat", [down, thin], "deep", axis=1)
    writer.constants.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    large = writer.add("Resize", [deep, "", "twice"], "large", mode="linear")
    joined = writer.add("Concat", [large, first], "joined", axis=1)
    last = writer.conv(writer.block(joined, "up", 52, 16), "last", 16, 1)
    levels = writer.add("Mul", [writer.add("Sigmoid", [last], "unit"), writer.constant(255, "white")], "levels")
    rounded = writer.add("Round", [levels], "rounded")
    writer.add("Cast", [writer.add("Transpose", [rounded], "rows", perm=[0, 2, 3, 1])], FUSED, to=TensorProto.UINT8)
