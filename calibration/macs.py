"""Multiply-accumulates: how the arithmetic of a network is shared out over its convolutions."""

from __future__ import annotations

from math import prod

from calibration.observer import activations
from calibration.onnx_model import OnnxModel
from runtime.frame import FramePair


def conv_macs(model: OnnxModel, pair: FramePair) -> dict[str, int]:
    """Output tensor of every Conv node to its multiply-accumulates on one pair, fitted to the card.

    A convolution of weights (O, I / groups, kh, kw) takes I / groups * kh * kw for every sample it gives. The matrix
    products of an attention are not counted.
    """
    convs = [node for node in model.nodes if node.op_type == "Conv"]
    constants = {node.input[1]: model.constant(node.input[1]) for node in convs}
    computed = [name for name, value in constants.items() if value is None]
    _, values = next(activations(model, [*(node.output[0] for node in convs), *computed], [pair]))
    shapes = {name: value.shape for name, value in (constants | values).items() if value is not None}
    return {node.output[0]: prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:]) for node in convs}


def share(macs: dict[str, int], outputs: set[str]) -> float:
    """The share of all multiply-accumulates, 0..1, that the convolutions which make `outputs` take."""
    return sum(macs[output] for output in outputs) / sum(macs.values())
