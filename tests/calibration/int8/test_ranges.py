"""Ranges: measured on real activations, kept in a file, refused where they do not belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import FrameDigest, observe
from coconet.calibration.int8.ranges import ActivationRanges, read_ranges
from coconet.calibration.int8.threshold import BINS, RangeMethod
from coconet.cards.model_card import INFRARED, VISIBLE, CalibrationRecord
from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, FramePair
from tests.support.models.small_unet import write_unet

RNG = np.random.default_rng(0)
RECORD = CalibrationRecord(frames=3, frames_sha256="f" * 64, method="max")
TENSORS = ["pooled", "down.act"]


def random_pairs(count: int = 3, height: int = 16, width: int = 24) -> list[FramePair]:
    def frame(index: int) -> Frame:
        return Frame(RNG.integers(0, 256, (height, width, 1), np.uint8), 0, index, f"scene {index}")

    return [FramePair(frame(index), frame(index)) for index in range(count)]


def activations(path: Path, tensor: str, pairs: list[FramePair]) -> np.ndarray:
    """All values of a tensor at once, the way the observer must not do it."""
    proto = onnx.load(path)
    proto.graph.output.append(onnx.ValueInfoProto(name=tensor))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = [{VISIBLE: pair.visible.pixels[None], INFRARED: pair.infrared.pixels[None]} for pair in pairs]
    return np.concatenate([session.run([tensor], feed)[0].ravel() for feed in feeds])


@pytest.mark.parametrize("half", [False, True])
def test_ranges_are_those_of_the_activations_over_all_frames(tmp_path: Path, half: bool) -> None:
    path, pairs = write_unet(tmp_path / "unet.onnx", half=half), random_pairs()
    observation = observe(OnnxModel.read(path), TENSORS, pairs)
    for tensor in TENSORS:
        values = np.abs(activations(path, tensor, pairs).astype(np.float32))
        histogram = observation.histograms[tensor]
        assert observation.ranges(RangeMethod("max")).thresholds[tensor] == pytest.approx(values.max(), rel=1e-6)
        wanted = np.percentile(values[values > 0], 99, method="inverted_cdf")
        found = observation.ranges(RangeMethod("percentile", 99)).thresholds[tensor]
        assert found == pytest.approx(wanted, abs=histogram.limit / BINS)


def test_an_observation_says_what_it_was_made_from(tmp_path: Path) -> None:
    pairs, model = random_pairs(), OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    digest = FrameDigest()
    for pair in pairs:
        digest.add(pair)
    ranges = observe(model, TENSORS, iter(pairs)).ranges(RangeMethod("mse"))
    assert ranges.record == CalibrationRecord(3, digest.hexdigest(), "mse")
    assert ranges.model_sha256 == model.sha256


def test_frames_of_unlike_sizes_are_fitted_to_a_model_of_one_size(tmp_path: Path) -> None:
    model = OnnxModel.read(write_unet(tmp_path / "unet.onnx", size=(16, 24)))
    pairs = [*random_pairs(1), *random_pairs(1, 9, 40), *random_pairs(1, 50, 60)]
    assert observe(model, TENSORS, pairs).histograms["pooled"].total <= 3 * 16 * 8 * 12


def test_no_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no frame pairs to measure"):
        observe(OnnxModel.read(write_unet(tmp_path / "unet.onnx")), TENSORS, [])


def test_a_nan_activation_is_refused_with_its_tensor_and_frame(tmp_path: Path) -> None:
    path = write_unet(tmp_path / "unet.onnx")
    proto = onnx.load(path)
    for tensor in proto.graph.initializer:
        if tensor.name in ("first.bias", "down.weight"):  # numbers, whose products are infinite and of either sign
            huge = np.full(tuple(tensor.dims), 3e38, np.float32)
            huge.flat[1::2] *= -1 if tensor.name == "down.weight" else 1
            tensor.CopyFrom(numpy_helper.from_array(huge, tensor.name))
    onnx.save(proto, path)
    with pytest.raises(CoconetError, match=r"activation down\.act, frame scene 0 is not made of finite numbers: NaN"):
        observe(OnnxModel.read(path), ["down.act"], random_pairs())


def test_a_frame_that_the_model_cannot_take_is_named(tmp_path: Path) -> None:
    model = OnnxModel.read(write_unet(tmp_path / "unet.onnx"))
    with pytest.raises(CoconetError, match="frame scene 0 does not run through the model"):
        observe(model, TENSORS, random_pairs(1, 15, 24))  # an odd side cannot be halved and doubled again


def test_a_tensor_that_the_model_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="does not load in ONNX Runtime"):
        observe(OnnxModel.read(write_unet(tmp_path / "unet.onnx")), ["missing"], random_pairs())


def test_a_file_that_is_no_onnx_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("this is not a model")
    with pytest.raises(CoconetError, match="is a text file; expected an ONNX model"):
        OnnxModel.read(tmp_path / "text.onnx")


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(CoconetError, match="is an empty file; expected an ONNX model"):
        OnnxModel.read(tmp_path / "empty.onnx")


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    proto = onnx.load(write_unet(tmp_path / "unet.onnx"))
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "bare.onnx")
    with pytest.raises(CoconetError, match="has no model card"):
        OnnxModel.read(tmp_path / "bare.onnx")


def test_ranges_survive_their_file(tmp_path: Path) -> None:
    ranges = ActivationRanges("a" * 64, RECORD, {"x": 1.25, "y": 0.0, "z": 1e-7})
    (tmp_path / "ranges.json").write_text(ranges.to_json())
    assert read_ranges(tmp_path / "ranges.json", "a" * 64) == ranges


def test_ranges_of_another_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ranges.json").write_text(ActivationRanges("a" * 64, RECORD, {"x": 1.0}).to_json())
    with pytest.raises(CoconetError, match=r"holds the ranges of another model \(aaaa.*this one is bbbb"):
        read_ranges(tmp_path / "ranges.json", "b" * 64)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "the file: Invalid JSON"),
        ('{"model_sha256": "a", "thresholds": {}}', "record: Field required"),
        (ActivationRanges("a", RECORD, {"x": 2.5}).to_json().replace("2.5", '"wide"'), "thresholds.x: "),
        (ActivationRanges("a", RECORD, {"x": 2.5}).to_json().replace("2.5", "-2.5"), "the threshold of x is -2.5"),
    ],
)
def test_a_file_that_holds_no_ranges_is_refused(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "ranges.json").write_text(text)
    with pytest.raises(CoconetError, match=f"is not a ranges file: .*{place}"):
        read_ranges(tmp_path / "ranges.json", "a")
