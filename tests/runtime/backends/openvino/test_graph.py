"""What is done to graphs before OpenVINO compiles them: it is found where it is meant, and changes no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from coconet.model_names import shipped_model

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

from coconet.runtime.backends.openvino.graph import enlarging_weights, prepared
from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.package import opset13 as opset

PICTURE = np.random.default_rng(4).random((1, 2, 6, 8)).astype(np.float32)


def picture() -> Any:
    return opset.parameter(openvino.PartialShape([1, 2, -1, -1]), openvino.Type.f32)


def parted(value: Any) -> list[Any]:
    return [opset.relu(output) for output in opset.split(value, opset.constant(np.int64(1)), 2).outputs()]


def enlarged(value: Any, times: Sequence[float], coordinates: str = "half_pixel") -> Any:
    scales = opset.constant(np.array([1, 1, *times], np.float32))
    return opset.interpolate(value, scales, "linear_onnx", "scales", coordinate_transformation_mode=coordinates)


def run(model: Any, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.asarray(value) for value in compiled(list(inputs)).values()]


def kinds(model: Any) -> Counter[str]:
    return Counter(node.get_type_name() for node in model.get_ops())


@pytest.mark.parametrize("times", [2, 3, 8])
def test_the_weights_of_neighbours_enlarge_as_opencv_does(times: int) -> None:
    line = PICTURE[0, 0, :1]
    wanted = cv2.resize(line, None, fx=times, fy=1, interpolation=cv2.INTER_LINEAR)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(line[0], 1, "edge"), 3)
    assert np.abs((around @ enlarging_weights(times)).reshape(1, -1) - wanted).max() < 1e-6


@pytest.mark.parametrize("times", [2, 5, 8])
def test_planes_are_enlarged_side_by_side(times: int) -> None:
    taken = picture()
    model = openvino.Model(parted(enlarged(taken, (times, times))), [taken], "enlarged")
    wanted, before = run(model, PICTURE), kinds(model)
    found = run(prepared(model), PICTURE)
    assert (before["Interpolate"], kinds(model)["Interpolate"]) == (1, 0)
    assert all(np.abs(one - other).max() < 1e-6 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("planes", "left"), [(1, 0), (2, 1)])
def test_a_plane_alone_is_enlarged_and_several_that_stay_together_are_not(planes: int, left: int) -> None:
    taken = opset.parameter(openvino.PartialShape([1, planes, -1, -1]), openvino.Type.f32)
    model = openvino.Model([opset.relu(enlarged(taken, (8, 8)))], [taken], "alone")
    wanted = run(model, PICTURE[:, :planes])[0]
    assert np.abs(run(prepared(model), PICTURE[:, :planes])[0] - wanted).max() < 1e-6
    assert kinds(model)["Interpolate"] == left


@pytest.mark.parametrize(
    ("times", "coordinates"), [((2, 4), "half_pixel"), ((1.5, 1.5), "half_pixel"), ((2, 2), "asymmetric")]
)
def test_another_enlargement_stays(times: tuple[float, float], coordinates: str) -> None:
    taken = picture()
    model = openvino.Model(parted(enlarged(taken, times, coordinates)), [taken], "other")
    assert kinds(prepared(model))["Interpolate"] == 1


def test_an_enlargement_that_something_else_takes_as_well_stays() -> None:
    taken = picture()
    whole = enlarged(taken, (2, 2))
    model = openvino.Model([*parted(whole), opset.relu(whole)], [taken], "shared")
    assert kinds(prepared(model))["Interpolate"] == 1


@pytest.mark.parametrize("join", [opset.add, opset.multiply])
@pytest.mark.parametrize(("channels", "copies"), [(3, 0), (1, 1)])
def test_one_channel_is_joined_with_three_without_copies_of_it(
    channels: int, copies: int, join: Callable[[Any, Any], Any]
) -> None:
    coloured = opset.parameter(openvino.PartialShape([1, -1, -1, channels]), openvino.Type.f32)
    level = opset.parameter(openvino.PartialShape([1, -1, -1, 1]), openvino.Type.f32)
    model = openvino.Model([join(coloured, opset.concat([level] * 3, -1))], [coloured, level], "joined")
    sides = [np.random.default_rng(6).random((1, 4, 5, size)).astype(np.float32) for size in (channels, 1)]
    (wanted,) = run(model, *sides)
    (found,) = run(prepared(model), *sides)
    assert kinds(model)["Concat"] == copies
    assert np.array_equal(found, wanted)


def weighted(taken: Any, weights: Sequence[float], keep_dims: bool = True) -> Any:
    """A weighted sum over channels as the exported networks write it, of (1, 4, 5, channels)."""
    row = opset.broadcast(np.array(weights, np.float32), np.array([5, len(weights)], np.int64))
    picture = opset.reshape(opset.convert(taken, "f32"), np.array([1, 4, -1], np.int64), False)
    product = opset.multiply(picture, opset.reshape(row, np.array([-1], np.int64), False))
    pixels = opset.reshape(product, np.array([1, 4, 5, len(weights)], np.int64), False)
    return opset.reduce_sum(pixels, np.array([-1], np.int64), keep_dims)


@pytest.mark.parametrize("weights", [(0.1, 0.6, 0.3), (0.25, 0.75), (0.2, 0.3, 0.1, 0.4)])
def test_bytes_are_weighted_by_planes(weights: Sequence[float]) -> None:
    taken = opset.parameter(openvino.PartialShape([1, -1, -1, len(weights)]), openvino.Type.u8)
    model = openvino.Model([weighted(taken, weights)], [taken], "weighted")
    pixels = np.random.default_rng(7).integers(0, 256, (1, 4, 5, len(weights)), np.uint8)
    (wanted,) = run(model, pixels)
    (found,) = run(prepared(model), pixels)
    assert kinds(model)["ReduceSum"] == 0
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("kind", "channels", "keep_dims"),
    [(openvino.Type.f32, 3, True), (openvino.Type.u8, 6, True), (openvino.Type.u8, 3, False)],
)
def test_another_weighted_sum_stays(kind: Any, channels: int, keep_dims: bool) -> None:
    taken = opset.parameter(openvino.PartialShape([1, -1, -1, channels]), kind)
    model = openvino.Model([weighted(taken, (0.1, 0.6, 0.3), keep_dims)], [taken], "other")
    assert kinds(prepared(model))["ReduceSum"] == 1


def averaged(value: Any, side: int, step: int, pad: int = 0, rounding: str = "floor") -> Any:
    return opset.avg_pool(value, [step] * 2, [pad] * 2, [pad] * 2, [side] * 2, True, rounding)


@pytest.mark.parametrize(("side", "size"), [(2, (6, 8)), (4, (9, 11)), (8, (16, 24))])
def test_means_of_squares_are_made_by_kernels(side: int, size: tuple[int, int]) -> None:
    taken = picture()
    model = openvino.Model([averaged(taken, side, side)], [taken], "averaged")
    planes = np.random.default_rng(8).random((1, 2, *size)).astype(np.float32)
    (wanted,) = run(model, planes)
    (found,) = run(prepared(model), planes)
    assert kinds(model)["AvgPool"] == 0
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-6


@pytest.mark.parametrize("side", [4, 5, 8])
def test_means_of_squares_that_divide_a_picture_of_known_size_are_made_by_sums(side: int) -> None:
    taken = opset.parameter([1, 2, 2 * side, 3 * side], openvino.Type.f32)
    model = openvino.Model([averaged(taken, side, side)], [taken], "averaged")
    planes = np.random.default_rng(8).random((1, 2, 2 * side, 3 * side)).astype(np.float32)
    (wanted,) = run(model, planes)
    (found,) = run(prepared(model), planes)
    assert (kinds(model)["ReduceSum"], kinds(model)["Convolution"]) == (2, 0)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-6


@pytest.mark.parametrize(
    ("side", "step", "pad", "rounding"), [(3, 3, 0, "floor"), (4, 2, 0, "floor"), (2, 2, 1, "floor"), (2, 2, 0, "ceil")]
)
def test_other_means_stay(side: int, step: int, pad: int, rounding: str) -> None:
    taken = picture()
    model = openvino.Model([averaged(taken, side, step, pad, rounding)], [taken], "other")
    assert kinds(prepared(model))["AvgPool"] == 1


def resized(value: Any, size: tuple[int, int]) -> Any:
    sizes = opset.constant(np.array([1, 2, *size], np.int64))
    return opset.interpolate(value, sizes, "linear_onnx", "sizes", coordinate_transformation_mode="half_pixel")


@pytest.mark.parametrize(("size", "resizings"), [((6, 8), 0), ((3, 4), 0), ((12, 16), 0), ((3, 8), 1), ((9, 12), 1)])
def test_planes_that_stay_as_large_or_are_halved_or_enlarged_are_not_resized(
    size: tuple[int, int], resizings: int
) -> None:
    taken = picture()
    model = openvino.Model(parted(resized(taken, size)), [taken], "resized")
    wanted = run(model, PICTURE)
    assert kinds(prepared(model))["Interpolate"] == 1  # of what size the picture is, is not known yet
    model.reshape([1, 2, 6, 8])
    found = run(prepared(model), PICTURE)
    assert kinds(model)["Interpolate"] == resizings
    assert all(np.abs(one - other).max() < 1e-6 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("word", ["lite", "lite-int8", "lite-fp16"])
@pytest.mark.parametrize(("size", "kernels"), [((480, 640), 8), ((1080, 1920), 9)])
def test_the_shipped_lite_is_enlarged_averaged_and_coloured_without_a_pass_too_many(
    word: str, size: tuple[int, int], kernels: int
) -> None:
    model = openvino.Core().read_model(shipped_model(word))
    model.reshape({"visible": [1, *size, 3], "infrared": [1, *size, 1]})
    found = kinds(prepared(model))
    assert (found["DepthToSpace"], found["Convolution"]) == (0, kernels)  # a large picture is halved by one
    assert (found["ReduceSum"], found["AvgPool"]) == (2 * 3 + 1, 1)  # of 3x3 squares of the coarse band, which overlap
    assert found["Interpolate"] == 1  # of nearest neighbours, within the network
