"""A camera-ready ONNX model that averages, small enough to build in every test, with two convolutions to quantise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from coconet.cards.model_card import CARD_KEY, FUSED, INFRARED, VISIBLE, ModelCard, Signature

HIDDEN = 16
LUMA_BGR = (0.114, 0.587, 0.299)


def averaging_card(channels: int = 3, size: tuple[int, int] | None = None) -> ModelCard:
    """The card of `averaging_model`; size is (height, width), None for any."""
    height, width = size or (None, None)
    values = (0.0, 255.0)
    return ModelCard(
        network="tiny",
        precision="fp32",
        weights_sha256="0" * 64,
        signature=Signature(input_range=values, output_range=values),
        visible_channels=channels,
        height_px=height,
        width_px=width,
    )


def averaging_model(channels: int = 3, size: tuple[int, int] | None = None) -> onnx.ModelProto:
    """The mean of visible luma and infrared as a model file would hold it, with its card."""
    model = helper.make_model(
        _graph(channels, size or ("height", "width")), opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    )
    helper.set_model_props(model, {CARD_KEY: averaging_card(channels, size).to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def write_batch_model(path: Path, batch: int) -> Path:
    """Write `averaging_model` for a batch of colour pairs of any size."""
    model = averaging_model()
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = batch
    helper.set_model_props(model, {CARD_KEY: replace(averaging_card(), batch=batch).to_json()})
    onnx.save(model, path)
    return path


def write_averaging_model(path: Path, channels: int = 3, size: tuple[int, int] | None = None) -> Path:
    """Write `averaging_model` and give back where it is."""
    onnx.save(averaging_model(channels, size), path)
    return path


def write_weights_beside(model: Path) -> Path:
    """Move all weights of a model file into a file beside it, and give where that is."""
    onnx.save(onnx.load(model), model, save_as_external_data=True, location="beside.bin", size_threshold=0)
    return model.with_name("beside.bin")


def _graph(channels: int, size: tuple[int | str, int | str]) -> onnx.GraphProto:
    """(1, H, W, C) uint8 and (1, H, W, 1) uint8 to (1, H, W, C) uint8; the core sees (1, 2, H, W) floats in 0..255."""
    pixels = {
        name: helper.make_tensor_value_info(name, TensorProto.UINT8, [1, *size, depth])
        for name, depth in ((VISIBLE, channels), (INFRARED, 1), (FUSED, channels))
    }
    return helper.make_graph(
        [*_luma_nodes(channels), *_core_nodes(), *_output_nodes()],
        "tiny",
        [pixels[VISIBLE], pixels[INFRARED]],
        [pixels[FUSED]],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in _weights(channels).items()],
    )


def _luma_nodes(channels: int) -> list[onnx.NodeProto]:
    make = helper.make_node
    return [
        make("Cast", [VISIBLE], ["visible_float"], to=TensorProto.FLOAT),
        make("Cast", [INFRARED], ["infrared_float"], to=TensorProto.FLOAT),
        make("MatMul", ["visible_float", "luma_weights"], ["luma"])
        if channels == 3
        else make("Identity", ["visible_float"], ["luma"]),
    ]


def _core_nodes() -> list[onnx.NodeProto]:
    make = helper.make_node
    return [
        make("Transpose", ["luma"], ["luma_plane"], perm=[0, 3, 1, 2]),
        make("Transpose", ["infrared_float"], ["infrared_plane"], perm=[0, 3, 1, 2]),
        make("Concat", ["luma_plane", "infrared_plane"], ["planes"], axis=1),
        make("Conv", ["planes", "first.weight", "first.bias"], ["first"], pads=[1, 1, 1, 1], name="first"),
        make("Relu", ["first"], ["hidden"]),
        make("Conv", ["hidden", "last.weight", "last.bias"], ["fused_plane"], pads=[1, 1, 1, 1], name="last"),
        make("Transpose", ["fused_plane"], ["fused_luma"], perm=[0, 2, 3, 1]),
    ]


def _output_nodes() -> list[onnx.NodeProto]:
    """The change in luma is added to every channel, which keeps Cb and Cr."""
    make = helper.make_node
    return [
        make("Sub", ["fused_luma", "luma"], ["change"]),
        make("Add", ["visible_float", "change"], ["fused_float"]),
        make("Round", ["fused_float"], ["rounded"]),
        make("Clip", ["rounded", "black", "white"], ["clipped"]),
        make("Cast", ["clipped"], [FUSED], to=TensorProto.UINT8),
    ]


def _weights(channels: int) -> dict[str, np.ndarray]:
    """The first two hidden channels carry the pictures, the others an edge filter that the last layer ignores."""
    first = np.zeros((HIDDEN, 2, 3, 3))
    first[2:] = np.random.default_rng(0).normal(0, 0.1, (HIDDEN - 2, 2, 3, 3))
    first[0, 0, 1, 1] = first[1, 1, 1, 1] = 1
    last = np.zeros((1, HIDDEN, 3, 3))
    last[0, :2, 1, 1] = 0.5
    weights = {"first.weight": first, "first.bias": np.zeros(HIDDEN), "last.weight": last, "last.bias": np.zeros(1)}
    weights |= {"black": np.array(0), "white": np.array(255)}
    return weights | ({"luma_weights": np.array(LUMA_BGR)[:, None]} if channels == 3 else {})
