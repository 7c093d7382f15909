"""Convolutions over a Concat taken apart: equal to the whole, and worth it where the tensors are unlike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from coconet.calibration.int8.concat_split import joined_tensors, split_concats
from coconet.calibration.int8.gate import Gate
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import observe
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.calibration.int8.threshold import RangeMethod
from coconet.cards.precision import ParityLimits
from coconet.errors import CoconetError
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.reference_backend import open_to_compare
from tests.support.media.frames import pair_of
from tests.support.media.textured import textured
from tests.support.models.small_unet import write_unet


def pairs(count: int) -> list[FramePair]:
    return [pair_of(textured(index, 32, 48), textured(index + 50, 32, 48), index) for index in range(count)]


def unlike_unet(path: Path, factor: float) -> Path:
    """The U-Net with a skip connection `factor` times louder, which the weights that read it take back exactly."""
    model = onnx.load(write_unet(path))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if tensor.name.startswith("first."):
            values *= np.float32(factor)
        elif tensor.name == "down.weight":
            values /= np.float32(factor)
        elif tensor.name == "up.weight":
            values[:, 36:] /= np.float32(factor)
        else:
            continue
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    return path


def ranges_of(model: OnnxModel) -> ActivationRanges:
    tensors = sorted({site.activation for site in quantizable_convs(model)} | joined_tensors(model))
    return observe(model, tensors, pairs(3)).ranges(RangeMethod("max"))


def answer(model: OnnxModel) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.with_outputs(["up"]).SerializeToString())
    feeds = {name: textured(seed, 32, 48)[None, :, :, None] for name, seed in (("visible", 7), ("infrared", 8))}
    return np.asarray(session.run(["up"], feeds)[0])


def test_the_parts_sum_up_to_the_whole(tmp_path: Path) -> None:
    whole = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    split = split_concats(whole, ranges_of(whole), unlike=1.0)
    convs = [[node for node in model.nodes if node.op_type == "Conv"] for model in (whole, split)]
    assert (len(convs[0]), len(convs[1])) == (7, 8)
    np.testing.assert_allclose(answer(split), answer(whole), atol=1e-5)
    onnx.checker.check_model(split.proto, full_check=True)


def test_tensors_of_like_range_stay_together(tmp_path: Path) -> None:
    whole = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    assert joined_tensors(whole) == {"large", "first.act"}
    assert split_concats(whole, ranges_of(whole)) is whole


def test_tensors_of_unlike_range_are_nearer_with_a_scale_each(tmp_path: Path) -> None:
    path = unlike_unet(tmp_path / "unet.onnx", 64.0)
    whole = OnnxModel.read(path)
    ranges = ranges_of(whole)
    split = split_concats(whole, ranges)
    gate = Gate(path, pairs(4), ParityLimits(40.0, 96), open_to_compare(path))
    kept = [model for model in (whole, split) if model is not None]
    found = [gate.measure(quantize_model(model, quantizable_convs(model), ranges)).parity.psnr_db for model in kept]
    assert found[1] > found[0] + 6.0


def test_a_range_that_was_not_measured_is_missed(tmp_path: Path) -> None:
    whole = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    ranges = observe(whole, ["first.act"], pairs(1)).ranges(RangeMethod())
    with pytest.raises(CoconetError, match="activation large has no range"):
        split_concats(whole, ranges)
