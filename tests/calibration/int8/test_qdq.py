"""The INT8 graph: its structure, its arithmetic, and that TensorRT takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model, scale_for, weight_scales
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.cards.engine_card import BuildOptions
from coconet.cards.model_card import CARD_KEY, INFRARED, VISIBLE, CalibrationRecord, ModelCard
from coconet.errors import CoconetError
from tests.support.models.small_unet import CONVS, QUANTIZED, write_unet

RNG = np.random.default_rng(0)
RECORD = CalibrationRecord(frames=1, frames_sha256="f" * 64, method="max")


def ranges_for(model: OnnxModel, threshold: float = 2.0) -> ActivationRanges:
    return ActivationRanges(model.sha256, RECORD, {site.activation: threshold for site in quantizable_convs(model)})


def quantize(path: Path) -> OnnxModel:
    """Quantise with made-up ranges and write beside the float file, which runs ONNX's full check."""
    model = OnnxModel.read(path)
    quantized = quantize_model(model, quantizable_convs(model), ranges_for(model))
    quantized.write(path.with_name("int8.onnx"))
    return OnnxModel.read(path.with_name("int8.onnx"))


def kinds(model: OnnxModel) -> Counter[str]:
    return Counter(node.op_type for node in model.nodes)


def rewritten(path: Path, change: Callable[[onnx.GraphProto], None]) -> Path:
    proto = onnx.load(path)
    change(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)
    return path


def test_only_wide_convolutions_between_the_first_and_the_last_are_chosen(tmp_path: Path) -> None:
    sites = quantizable_convs(OnnxModel.read(write_unet(tmp_path / "unet.onnx")))
    assert tuple(site.output for site in sites) == QUANTIZED
    assert {site.activation for site in sites} == {"pooled", "down.act", "joined"}


@pytest.mark.parametrize("half", [False, True])
def test_every_chosen_convolution_reads_int8_and_no_other_does(tmp_path: Path, half: bool) -> None:
    model = quantize(write_unet(tmp_path / "unet.onnx", half=half))
    for node in model.nodes:
        if node.op_type == "Conv":
            makers = [model.producers[name].op_type for name in node.input if name in model.producers]
            assert (makers == ["DequantizeLinear"] * 2) == (node.output[0] in QUANTIZED), node.output[0]


def test_convolutions_that_read_one_tensor_share_its_pair(tmp_path: Path) -> None:
    counts = kinds(quantize(write_unet(tmp_path / "unet.onnx")))
    assert counts["QuantizeLinear"] == 3  # pooled, down.act (read twice), joined
    assert counts["DequantizeLinear"] == 3 + len(QUANTIZED)


def test_nothing_else_in_the_graph_changes(tmp_path: Path) -> None:
    before = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    after = [node for node in quantize(tmp_path / "unet.onnx").nodes if "quantized" not in node.output[0]]
    assert [node.output[0] for node in after if not node.output[0].endswith(".dequantized")] == [
        node.output[0] for node in before.nodes
    ]


@pytest.mark.parametrize("half", [False, True])
def test_zero_points_are_zero_and_everything_quantised_is_int8(tmp_path: Path, half: bool) -> None:
    model = quantize(write_unet(tmp_path / "unet.onnx", half=half))
    for node in model.nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            scale, zero_point = (model.constant(name) for name in node.input[1:])
            assert scale is not None
            assert zero_point is not None
            assert zero_point.dtype == np.int8
            assert scale.dtype == (np.float16 if half else np.float32)
            assert not zero_point.any()
            assert (scale > 0).all()
            assert zero_point.shape == scale.shape


def test_biases_stay_float_and_float_weights_leave_the_file(tmp_path: Path) -> None:
    model = quantize(write_unet(tmp_path / "unet.onnx"))
    types = {tensor.name: tensor.data_type for tensor in model.proto.graph.initializer}
    for name in CONVS:
        assert types[f"{name}.bias"] == TensorProto.FLOAT
        assert (f"{name}.weight" in types) == (name not in QUANTIZED)
    assert TensorProto.INT32 not in types.values()


def test_a_convolution_stays_next_to_its_activation(tmp_path: Path) -> None:
    model = quantize(write_unet(tmp_path / "unet.onnx"))
    assert model.producers["down.act"].input[0] == "down"
    assert model.producers["up.act"].input[0] == "up"


def test_the_card_says_int8_and_keeps_the_calibration_record(tmp_path: Path) -> None:
    card = quantize(write_unet(tmp_path / "unet.onnx")).card
    assert card == replace(OnnxModel.read(tmp_path / "unet.onnx").card, precision="int8", calibration=RECORD)


def conv_3x3(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(C, H, W) with (O, C, 3, 3), zero padding of 1, in float64."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.asarray(np.einsum("chwij,ocij->ohw", windows, weight))


def run(model: OnnxModel, tensors: list[str]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.with_outputs(tensors).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(1)
    feeds = {name: rng.integers(0, 256, (1, 16, 24, 1), np.uint8) for name in (VISIBLE, INFRARED)}
    return [array[0].astype(np.float64) for array in session.run(tensors, feeds)]


@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-4), (True, 2e-2)])
def test_a_quantised_convolution_computes_what_integers_would(tmp_path: Path, half: bool, tolerance: float) -> None:
    """Against integers in numpy, scaled once at the end; the threshold of 2 clips about half of what is there."""
    path = write_unet(tmp_path / "unet.onnx", half=half)
    source, result = run(quantize(path), ["pooled", "down"])
    model = OnnxModel.read(path)
    weight, bias = (np.asarray(model.constant(f"down.{part}"), np.float64) for part in ("weight", "bias"))
    step = float(scale_for(2.0, np.dtype(np.float16 if half else np.float32)))
    steps = np.abs(weight).max(axis=(1, 2, 3)) / 127
    integers = np.clip(np.rint(source / step), -128, 127)
    weights = np.clip(np.rint(weight / steps[:, None, None, None]), -127, 127)
    wanted = conv_3x3(integers, weights) * (step * steps)[:, None, None] + bias[:, None, None]
    assert np.abs(result - wanted).max() <= tolerance * np.abs(wanted).max()


@given(st.floats(1e-30, 1e30), st.sampled_from([np.float16, np.float32]))
def test_a_scale_is_positive_and_never_clips_its_threshold(threshold: float, kind: type) -> None:
    if kind is np.float16 and threshold > 6e4:
        return
    scale = scale_for(threshold, np.dtype(kind))
    assert scale.dtype == kind
    assert scale > 0
    assert threshold / float(scale) <= 127 * (1 + 1e-12)


def test_a_tensor_of_zeros_gets_a_positive_scale() -> None:
    assert scale_for(0.0, np.dtype(np.float32)) == pytest.approx(1 / 127)
    assert (weight_scales(np.zeros((3, 2, 3, 3), np.float16)) > 0).all()


def weights_behind(kind: str) -> Callable[[onnx.GraphProto], None]:
    """Move the weight of `down` behind a Constant, an Identity or a Cast, as exporters do."""

    def change(graph: onnx.GraphProto) -> None:
        weight = next(tensor for tensor in graph.initializer if tensor.name == "down.weight")
        conv = next(node for node in graph.node if node.output[0] == "down")
        if kind == "Constant":
            graph.node.insert(0, helper.make_node("Constant", [], ["down.weight"], value=weight))
            graph.initializer.remove(weight)
            return
        target = TensorProto.FLOAT if kind == "Cast" else None
        if kind == "Cast":
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float64), weight.name))
        graph.node.insert(0, helper.make_node(kind, ["down.weight"], ["moved"], to=target))
        conv.input[1] = "moved"

    return change


@pytest.mark.parametrize("kind", ["Constant", "Identity", "Cast"])
def test_weights_are_found_behind_constant_identity_and_cast(tmp_path: Path, kind: str) -> None:
    plain = quantize(write_unet(tmp_path / "unet.onnx"))
    moved = quantize(rewritten(write_unet(tmp_path / "unet.onnx"), weights_behind(kind)))
    np.testing.assert_array_equal(run(moved, ["down"]), run(plain, ["down"]))
    assert kinds(moved) == kinds(plain)
    assert "down.weight" not in {tensor.name for tensor in moved.proto.graph.initializer}


def test_convolutions_of_one_weight_share_its_integers(tmp_path: Path) -> None:
    def share(graph: onnx.GraphProto) -> None:
        next(node for node in graph.node if node.output[0] == "shared_b").input[1] = "shared_a.weight"

    counts = kinds(quantize(rewritten(write_unet(tmp_path / "unet.onnx"), share)))
    assert counts["DequantizeLinear"] == 3 + len(QUANTIZED) - 1


def test_a_convolution_whose_weights_are_computed_stays_float(tmp_path: Path) -> None:
    def compute(graph: onnx.GraphProto) -> None:
        graph.node.insert(0, helper.make_node("Add", ["down.weight", "down.weight"], ["computed"]))
        next(node for node in graph.node if node.output[0] == "down").input[1] = "computed"

    path = rewritten(write_unet(tmp_path / "unet.onnx"), compute)
    assert "down" not in {site.output for site in quantizable_convs(OnnxModel.read(path))}


def test_a_quantised_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="is quantised already"):
        quantizable_convs(quantize(write_unet(tmp_path / "unet.onnx")))


def test_a_model_without_a_fitting_convolution_is_refused(tmp_path: Path) -> None:
    def drop(graph: onnx.GraphProto) -> None:
        for name in QUANTIZED:
            next(node for node in graph.node if node.output[0] == name).op_type = "Foreign"

    proto = onnx.load(write_unet(tmp_path / "unet.onnx"))
    drop(proto.graph)
    card = ModelCard.from_json(proto.metadata_props[0].value, "test")
    with pytest.raises(CoconetError, match="has no convolution of 16 or more channels"):
        quantizable_convs(OnnxModel(proto, card, "0" * 64))


def test_a_missing_range_is_refused(tmp_path: Path) -> None:
    model = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    with pytest.raises(CoconetError, match="activation pooled has no range"):
        quantize_model(model, quantizable_convs(model), ActivationRanges(model.sha256, RECORD, {}))


@pytest.mark.parametrize(("half", "opset", "oldest"), [(True, 18, 19), (False, 12, 13)])
def test_an_opset_without_such_scales_is_refused(tmp_path: Path, half: bool, opset: int, oldest: int) -> None:
    model = OnnxModel.read(write_unet(tmp_path / "unet.onnx", half=half))
    model.proto.opset_import[0].version = opset
    with pytest.raises(CoconetError, match=f"is of ONNX opset {opset}, but .* need {oldest} or newer"):
        quantize_model(model, quantizable_convs(model), ranges_for(model))


@pytest.mark.parametrize("half", [False, True])
def test_tensorrt_for_rtx_builds_the_graph(tmp_path: Path, half: bool) -> None:
    pytest.importorskip("tensorrt_rtx_bindings")
    from tests.support.models.engines import build_file

    quantize(write_unet(tmp_path / "unet.onnx", size=(32, 48), half=half))
    build_file(tmp_path / "int8.onnx", tmp_path / "int8.engine", BuildOptions(gpus=("sm86",)))
    assert (tmp_path / "int8.engine").stat().st_size > 0


def test_the_metadata_holds_one_card(tmp_path: Path) -> None:
    model = quantize(write_unet(tmp_path / "unet.onnx"))
    assert [entry.key for entry in model.proto.metadata_props].count(CARD_KEY) == 1
