"""Q/DQ: a float graph becomes an INT8 one, in the explicit form that TensorRT, ONNX Runtime and OpenVINO all read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.calibration.int8.graph import Node, OnnxModel, make_node
from coconet.calibration.int8.placement import ConvSite
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.calibration.int8.threshold import LEVELS
from coconet.errors import CoconetError

OPSET_PER_CHANNEL = 13

OPSET_FLOAT16_SCALES = 19


def quantize_model(model: OnnxModel, sites: Iterable[ConvSite], ranges: ActivationRanges) -> OnnxModel:
    """The model with the convolutions at `sites` in INT8, and a card that says so.

    Symmetric int8 with zero point 0 throughout. Each activation gets one QuantizeLinear and one DequantizeLinear, with
    one scale, however many convolutions read it; each weight is stored as int8 behind a DequantizeLinear with a scale
    per output channel; biases stay float. Scales have the type of the weights they replace (FP32 or FP16): in a
    strongly typed engine they decide what the layers around the convolution compute in.
    Raises CoconetError if a range is missing or the opset is too old.
    """
    inserter = _Inserter(model, ranges)
    nodes = list(inserter.rewired({site.output for site in sites}))
    proto = model.with_graph(nodes, inserter.constants)
    return OnnxModel(proto, replace(model.card, precision="int8", calibration=ranges.record), model.sha256)


def weight_scales(weight: NDArray[Any]) -> NDArray[Any]:
    """A scale per output channel of (O, I/groups, kh, kw) weights, of their dtype, that covers the largest of each."""
    peaks = np.abs(weight.astype(np.float64)).reshape(weight.shape[0], -1).max(axis=1)
    return np.array([scale_for(float(peak), weight.dtype) for peak in peaks], weight.dtype)


def scale_for(threshold: float, dtype: np.dtype[Any]) -> Any:
    """One step, threshold / 127, as a positive number of `dtype`, rounded up so that the threshold is not clipped.

    A tensor that only held zeros is exact at any scale and gets 1/127.
    """
    wanted = (threshold or 1.0) / LEVELS
    scale = dtype.type(wanted)
    return scale if float(scale) >= wanted else np.nextafter(scale, dtype.type(np.inf))


class _Inserter:
    """Rewires one graph; keeps what it made for a tensor so that a second reader shares it."""

    def __init__(self, model: OnnxModel, ranges: ActivationRanges) -> None:
        self.constants: dict[str, NDArray[Any]] = {}
        self._model, self._ranges = model, ranges
        self._made: set[str] = set()

    def rewired(self, outputs: set[str]) -> Iterator[Node]:
        """The graph's nodes; those that make `outputs` read through Q/DQ, each pair just before its first use."""
        for node in self._model.nodes:
            if node.output[0] not in outputs:
                yield node
                continue
            weight = self._model.constant(node.input[1])
            assert weight is not None  # noqa: S101  placement.py takes no convolution without constant weights
            self._check_opset(weight.dtype)
            yield from self._activation_nodes(node.input[0], weight.dtype)
            yield from self._weight_nodes(node.input[1], weight)
            yield _reading(node, _dequantized(node.input[0]), _dequantized(node.input[1]))

    def _activation_nodes(self, tensor: str, dtype: np.dtype[Any]) -> Iterator[Node]:
        if tensor in self._made:
            return
        self._made.add(tensor)
        scale = np.array(scale_for(self._ranges.threshold(tensor), dtype), dtype)
        parameters = self._parameters(tensor, scale)
        yield make_node("QuantizeLinear", [tensor, *parameters], _quantized(tensor))
        yield make_node("DequantizeLinear", [_quantized(tensor), *parameters], _dequantized(tensor))

    def _weight_nodes(self, tensor: str, weight: NDArray[Any]) -> Iterator[Node]:
        if tensor in self._made:
            return
        self._made.add(tensor)
        scales = weight_scales(weight)
        steps = np.rint(weight.astype(np.float64) / scales.astype(np.float64)[:, None, None, None])
        self.constants[_quantized(tensor)] = np.clip(steps, -LEVELS, LEVELS).astype(np.int8)
        inputs = [_quantized(tensor), *self._parameters(tensor, scales)]
        yield make_node("DequantizeLinear", inputs, _dequantized(tensor), axis=0)

    def _parameters(self, tensor: str, scale: NDArray[Any]) -> list[str]:
        names = [f"{tensor}.scale", f"{tensor}.zero_point"]
        self.constants |= dict(zip(names, (scale, np.zeros(scale.shape, np.int8)), strict=True))
        return names

    def _check_opset(self, dtype: np.dtype[Any]) -> None:
        oldest = OPSET_FLOAT16_SCALES if dtype == np.float16 else OPSET_PER_CHANNEL
        if self._model.opset < oldest:
            raise CoconetError(
                f"network {self._model.card.network}",
                wanted=f"ONNX opset {oldest} or newer, which knows {dtype} scales",
                got=f"opset {self._model.opset}",
                remedy="Export the model again with coconet export.",
                says=f"is of ONNX opset {self._model.opset}, but {dtype} scales need {oldest} or newer",
            )


def _quantized(tensor: str) -> str:
    return f"{tensor}.quantized"


def _dequantized(tensor: str) -> str:
    return f"{tensor}.dequantized"


def _reading(conv: Node, activation: str, weight: str) -> Node:
    copy = Node()
    copy.CopyFrom(conv)
    copy.input[0], copy.input[1] = activation, weight
    return copy
