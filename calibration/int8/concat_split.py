"""A convolution over several tensors side by side becomes one convolution a tensor, so that each has its own scale."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coconet.calibration.int8.graph import Node, OnnxModel, make_node
from coconet.calibration.int8.placement import TENSOR_CORE_CHANNELS, quantizable_convs
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.errors import MissingPackage

try:
    from onnx import helper, shape_inference
except ImportError as error:
    raise MissingPackage("onnx", job="calibration", extra="calibration") from error


UNLIKE = 4.0
"""From this ratio of ranges on, the smaller tensor would keep less than 6 of its 8 bits at the larger one's scale."""


def joined_tensors(model: OnnxModel) -> set[str]:
    """The tensors whose ranges decide: those that a convolution to become INT8 reads side by side."""
    return {name for parts in _all_parts(model).values() for name, _ in parts}


def split_concats(model: OnnxModel, ranges: ActivationRanges, unlike: float = UNLIKE) -> OnnxModel:
    """The model with every such convolution taken apart whose tensors have ranges that unlike.

    conv(cat(a, b)) = conv_a(a) + conv_b(b), each with its share of the weights and the last one with the bias: equal
    but for the order in which products are summed. Every part then has an INT8 scale of its own, at the price of a sum
    over the frame for each. Left whole: grouped convolutions, and those with a part too thin for INT8 kernels.
    ranges: must hold each of joined_tensors. unlike: the least ratio of the largest range to the smallest.
    """
    parts_of = _all_parts(model)
    nodes: list[Node] = []
    weights: dict[str, NDArray[np.generic]] = {}
    for node in model.nodes:
        parts = parts_of.get(node.output[0], [])
        if parts and _unlike([ranges.threshold(name) for name, _ in parts], unlike):
            nodes.extend(_taken_apart(model, node, parts, weights))
        else:
            nodes.append(node)
    return OnnxModel(model.with_graph(nodes, weights), model.card, model.sha256) if weights else model


def _unlike(thresholds: list[float], least: float) -> bool:
    """Whether they are; a tensor that only held zeros in calibration says nothing about its range."""
    return min(thresholds) > 0 and max(thresholds) >= least * min(thresholds)


def _all_parts(model: OnnxModel) -> dict[str, list[tuple[str, int]]]:
    """Output of every convolution that may be taken apart to what it reads side by side."""
    widths = _channels(model)
    quantizable = {site.output for site in quantizable_convs(model)}
    convs = (node for node in model.nodes if node.output[0] in quantizable)
    found = {conv.output[0]: _parts(model, conv, widths) for conv in convs}
    return {output: parts for output, parts in found.items() if parts}


def _channels(model: OnnxModel) -> dict[str, int]:
    """Tensor name to its channels, where the graph fixes them."""
    inferred = shape_inference.infer_shapes(model.proto)
    shapes = {value.name: value.type.tensor_type.shape.dim for value in inferred.graph.value_info}
    return {
        name: dims[1].dim_value for name, dims in shapes.items() if len(dims) == 4 and dims[1].HasField("dim_value")
    }


def _parts(model: OnnxModel, conv: Node, widths: dict[str, int]) -> list[tuple[str, int]]:
    """The tensors that a convolution reads side by side, with their channels; empty if it stays whole."""
    concat = model.producers.get(conv.input[0])
    if concat is None or concat.op_type != "Concat" or helper.get_node_attr_value(concat, "axis") != 1:
        return []
    parts = [(name, widths.get(name, 0)) for name in concat.input]
    grouped = any(entry.name == "group" and entry.i != 1 for entry in conv.attribute)
    return [] if grouped or min(width for _, width in parts) < TENSOR_CORE_CHANNELS else parts


def _taken_apart(
    model: OnnxModel, conv: Node, parts: list[tuple[str, int]], weights: dict[str, NDArray[np.generic]]
) -> Iterator[Node]:
    """Give a convolution for every part, then the sums; adds the parts' weights to `weights`."""
    weight = model.constant(conv.input[1])
    assert weight is not None  # noqa: S101  placement.py takes no convolution without constant weights
    ends = np.cumsum([0, *(width for _, width in parts)])
    made: list[str] = []
    for index, ((tensor, _), (start, end)) in enumerate(zip(parts, pairwise(ends), strict=True)):
        name = f"{conv.input[1]}.part_{index}"
        weights[name] = np.ascontiguousarray(weight[:, start:end])
        made.append(f"{conv.output[0]}.part_{index}")
        yield _part(conv, tensor, name, made[-1], with_bias=index == len(parts) - 1)
    total = made[0]
    for index, output in enumerate(made[1:], start=2):
        last = index == len(made)
        name = conv.output[0] if last else f"{conv.output[0]}.sum_{index}"
        yield make_node("Add", [total, output], name)
        total = name


def _part(conv: Node, tensor: str, weight: str, output: str, *, with_bias: bool) -> Node:
    copy = Node()
    copy.CopyFrom(conv)
    copy.name = output
    del copy.input[:], copy.output[:]
    copy.input.extend([tensor, weight, *(conv.input[2:] if with_bias else [])])
    copy.output.append(output)
    return copy
