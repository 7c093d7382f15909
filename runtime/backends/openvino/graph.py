"""What OpenVINO is given of a graph: the same sums, without what it gets wrong or computes slowly.

Every step looks for one pattern, of which shapes may be unknown, and leaves a graph without it as it is. Pictures stay
those of ONNX Runtime within what `tests/runtime/backends/openvino/test_backend.py` holds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.package import opset13 as opset

PLANES = 1
"""The axis of channels in (B, C, H, W)."""

MOST_PLANES = 8
"""More channels than that are enlarged as they are."""

LEAST_SUMMED = 4
"""Squares of a smaller side are averaged by convolutions."""

MOST_TIMES = 16
"""Larger factors than that are left to OpenVINO."""

TO_PLANES, FROM_PLANES = (0, 3, 1, 2), (0, 2, 3, 1)
"""From (B, H, W, C) to (B, C, H, W), and back."""

_FLOATS = (openvino.Type.f32, openvino.Type.f16)


def prepared(model: Any) -> Any:
    """The model after every step, changed in place."""
    steps = (
        _without_abs,
        _without_spreading,
        _weighted_by_planes,
        _resized_as_known,
        _averaged_by_sides,
        _averaged_by_kernels,
        _enlarged_by_sides,
    )
    for step in steps:
        for node in model.get_ordered_ops():
            step(node)
    return model


def enlarging_weights(times: int) -> NDArray[np.float32]:
    """Bilinear enlargement along one side: (3, times), what the pixel before, the own and the next one count for.

    Centres of pixels stay where they are (half-pixel), so that a place within an enlarged pixel lies between that one
    and a neighbour.
    """
    weights = np.zeros((3, times), np.float32)
    for place in range(times):
        centre = (place + 0.5) / times - 0.5  # from the centre of the own pixel, in pixels
        left = int(np.floor(centre))
        weights[1 + left, place] += 1 - (centre - left)
        weights[2 + left, place] += centre - left
    return weights


def _without_abs(node: Any) -> None:
    """The greater of a whole number and its negative in place of an absolute value.

    OpenVINO 2026.4 takes `Abs(Subtract(a, b))` of constants for `Subtract(a, b)`: with the size of the frame fixed, the
    places that reflect what is padded were wrong, and so was the picture of every size that is padded.
    """
    if node.get_type_name() == "Abs" and node.get_output_element_type(0).is_integral():
        value = node.input_value(0)
        node.output(0).replace(opset.maximum(value, opset.negative(value)).output(0))


def _without_spreading(node: Any) -> None:
    """One channel added to several, or multiplied by, as it is: copying it first takes as long as adding it."""
    if node.get_type_name() != "Concat" or node.get_input_size() < 2:
        return
    one, axis = node.input_value(0), node.get_attributes()["axis"]
    if any(value != one for value in node.input_values()[1:]) or not _is_size(one, axis, 1):
        return
    for taker in node.output(0).get_target_inputs():
        joined = taker.get_node()
        if joined.get_type_name() not in ("Add", "Multiply"):
            return
        other = joined.input_value(1 - taker.get_index())
        if other == node.output(0) or not _is_size(other, axis, node.get_input_size()):
            return
        if other.get_partial_shape().rank != one.get_partial_shape().rank:
            return
    node.output(0).replace(one)


def _weighted_by_planes(node: Any) -> None:
    """A weighted sum over the channels of a picture in bytes as a sum of planes.

    The channels of a pixel lie beside each other, and a sum over three neighbours is not vectorised. Parting bytes into
    planes is cheaper than parting floats.
    """
    if node.get_type_name() != "ReduceSum" or not node.get_attributes()["keep_dims"]:
        return
    product = _chain(node.input_value(0), "Reshape")
    if product is None or product.get_node().get_type_name() != "Multiply":
        return
    picture = _chain(product.get_node().input_value(0), "Reshape", "Convert")
    row = _chain(product.get_node().input_value(1), "Reshape", "Broadcast")
    if picture is None or row is None or row.get_node().get_type_name() != "Constant":
        return
    weights = row.get_node().get_data().ravel()
    spread = product.get_node().input_value(1).get_node().input_value(0)  # the weights, once for each column
    shaped = [picture, node.input_value(0), spread]
    if picture.get_element_type() != openvino.Type.u8 or not all(_is_size(one, -1, len(weights)) for one in shaped):
        return
    if not _is_size(node.output(0), -1, 1) or picture.get_partial_shape().rank.get_length() != len(TO_PLANES):
        return
    planes = opset.transpose(picture, whole(TO_PLANES))
    split = opset.split(planes, opset.constant(np.int64(PLANES)), len(weights))
    terms = [
        opset.multiply(opset.convert(plane, node.get_element_type()), opset.constant(weight))
        for plane, weight in zip(split.outputs(), weights, strict=True)
    ]
    total = functools.reduce(opset.add, terms)
    node.output(0).replace(opset.transpose(total, whole(FROM_PLANES)).output(0))


def _resized_as_known(node: Any) -> None:
    """Nothing in place of a resizing to the size that is there already, and means in place of one to half of it."""
    if node.get_type_name() != "Interpolate" or not _is_bilinear(node):
        return
    source, wanted = node.input_value(0), node.output(0).get_partial_shape()
    found = source.get_partial_shape()
    if found.is_dynamic or wanted.is_dynamic:
        return
    if found == wanted:
        node.output(0).replace(source)
    elif [2 * side for side in wanted.to_shape()[-2:]] == list(found.to_shape()[-2:]):
        means = opset.avg_pool(source, [2, 2], [0, 0], [0, 0], [2, 2], exclude_pad=False)
        node.output(0).replace(means.output(0))


def _averaged_by_sides(node: Any) -> None:
    """Means over squares that lie side by side as sums along one side after the other: no pooling, no convolution.

    Of few planes these are computed one value at a time, and convolutions round them to BF16 if others are run in it.
    """
    side = _side_of_squares(node)
    if side is None or side < LEAST_SUMMED or node.input_value(0).get_partial_shape().is_dynamic:
        return
    source = node.input_value(0)
    batch, planes, height, width = source.get_partial_shape().to_shape()
    if height % side or width % side:
        return
    shape = [batch, planes, height // side, side, width]
    rows = opset.reduce_sum(opset.reshape(source, whole(shape), False), whole([3]))
    shape = [batch, planes, height // side, width // side, side]
    sums = opset.reduce_sum(opset.reshape(rows, whole(shape), False), whole([4]))
    area = np.array(1 / side**2, source.get_element_type().to_dtype())
    node.output(0).replace(opset.multiply(sums, opset.constant(area)).output(0))


def _averaged_by_kernels(node: Any) -> None:
    """Means over small squares, or over squares of pictures of any size, as a convolution."""
    side = _side_of_squares(node)
    if side is None or side & (side - 1):  # other means are not of whole powers of two, which BF16 rounds
        return
    source = node.input_value(0)
    planes = source.get_partial_shape()[PLANES].get_length()
    kernel = np.zeros((planes, planes, side, side), source.get_element_type().to_dtype())
    kernel[range(planes), range(planes)] = 1 / side**2
    means = opset.convolution(source, opset.constant(kernel), [side, side], [0, 0], [0, 0], [1, 1])
    node.output(0).replace(means.output(0))


def _side_of_squares(node: Any) -> int | None:
    """The side of the squares that lie side by side and that a node takes the means over, of few planes; or None."""
    if node.get_type_name() != "AvgPool":
        return None
    attributes, source = node.get_attributes(), node.input_value(0)
    sides, shape = list(attributes["kernel"]), source.get_partial_shape()
    apart = list(attributes["strides"]) == sides and not any(attributes["pads_begin"] + attributes["pads_end"])
    if not (apart and len(sides) == 2 and sides[0] == sides[1] and attributes["rounding_type"] == "floor"):
        return None
    if shape[PLANES].is_dynamic or shape[PLANES].get_length() > MOST_PLANES or source.get_element_type() not in _FLOATS:
        return None
    return int(sides[0])


def _enlarged_by_sides(node: Any) -> None:
    """Planes, alone or parted, that are enlarged in one direction after the other, not by a bilinear enlargement.

    Each direction is one weighted sum of three planes with a side of the places in a pixel beside those of the plane:
    what comes out lies in memory as the enlarged plane does. Convolutions and shuffles, which are faster than the
    enlargement of OpenVINO too, take six times as long, and round planes to BF16 if convolutions are run in it.
    """
    alone = node.get_type_name() == "Interpolate" and _is_size(node.input_value(0), PLANES, 1)
    parts = 1 if alone else _parted(node)
    enlarged = node if alone else _only_source(node, "Interpolate") if 0 < parts <= MOST_PLANES else None
    if enlarged is None:
        return
    source, times = enlarged.input_value(0), _whole_factor(enlarged)
    if times is None or not _is_size(source, PLANES, parts) or source.get_element_type() not in _FLOATS:
        return
    wide = _wider(source, times)
    planes = [wide] if alone else opset.split(wide, PLANES, parts).outputs()
    for index, plane in enumerate(planes):
        node.output(index).replace(_higher(plane, times))


def _wider(planes: Any, times: int) -> Any:
    """(B, C, H, W) to (B, C, H, times * W)."""
    columns = _between_neighbours(planes, 3, times, beside=4)  # (B, C, H, W, times)
    return opset.reshape(columns, whole([0, 0, 0, -1]), special_zero=True).output(0)


def _higher(planes: Any, times: int) -> Any:
    """(B, C, H, W) to (B, C, times * H, W)."""
    rows = _between_neighbours(planes, 2, times, beside=3)  # (B, C, H, times, W)
    width = opset.gather(opset.shape_of(planes), whole([3]), 0)
    return opset.reshape(rows, opset.concat([whole([0, 0, -1]), width], 0), special_zero=True).output(0)


def _between_neighbours(planes: Any, axis: int, times: int, beside: int) -> Any:
    """The places of every pixel along an axis, as a new axis `beside`: each between the pixel and its neighbours."""
    one = whole([int(side == axis) for side in range(4)])
    padded = opset.pad(planes, one, one, "edge")
    before, after = (
        opset.slice(padded, whole([start]), whole([stop]), whole([1]), whole([axis]))
        for start, stop in ((0, -2), (2, np.iinfo(np.int64).max))
    )
    weights = enlarging_weights(times).astype(planes.get_element_type().to_dtype())
    terms = [
        opset.multiply(opset.unsqueeze(values, whole([beside])), opset.constant(each.reshape(-1, *[1] * (4 - beside))))
        for values, each in zip((before, planes, after), weights, strict=True)
    ]
    return functools.reduce(opset.add, terms)


def whole(numbers: Sequence[int]) -> Any:
    """Whole numbers as a constant of a graph."""
    return opset.constant(np.array(numbers, np.int64))


def _whole_factor(enlarged: Any) -> int | None:
    """By what a bilinear enlargement multiplies both sides; None if it is not the one that the kernels are of."""
    if not _is_bilinear(enlarged) or (factors := _factors(enlarged)) is None:
        return None
    height, width = factors
    return int(height) if height == width and height in range(2, MOST_TIMES + 1) else None


def _is_bilinear(node: Any) -> bool:
    """Whether a resizing is bilinear and keeps the centres of pixels where they are (half-pixel)."""
    wanted = {"mode": "linear_onnx", "coordinate_transformation_mode": "half_pixel", "antialias": False}
    attributes = node.get_attributes()
    if any(attributes.get(name) != value for name, value in wanted.items()) or node.get_input_size() != 2:
        return False
    return not any(attributes["pads_begin"]) and not any(attributes["pads_end"])


def _factors(enlarged: Any) -> tuple[float, float] | None:
    """By what a resizing multiplies height and width; None if it is not known, or resizes something else too."""
    scales, source = enlarged.input_value(1).get_node(), enlarged.input_value(0).get_partial_shape()
    if enlarged.get_attributes()["shape_calculation_mode"] == "scales":
        if scales.get_type_name() != "Constant" or scales.get_data().shape != (4,):
            return None
        first, second, height, width = (float(value) for value in scales.get_data())
    else:
        shape = enlarged.output(0).get_partial_shape()
        if source.is_dynamic or shape.is_dynamic or len(shape) != 4:
            return None
        first, second, height, width = np.array(shape.to_shape()) / np.array(source.to_shape())
    return (height, width) if (first, second) == (1.0, 1.0) else None


def _parted(node: Any) -> int:
    """Into how many equal parts a node parts channels; 0 if it does not."""
    if node.get_type_name() != "Split":
        return 0
    axis = node.input_value(1).get_node()
    if axis.get_type_name() != "Constant" or int(axis.get_data()) not in (PLANES, PLANES - 4):
        return 0
    rank = node.input_value(0).get_partial_shape().rank
    return int(node.get_attributes()["num_splits"]) if rank.is_static and rank.get_length() == 4 else 0


def _chain(value: Any, *kinds: str) -> Any | None:
    """What comes before a chain of nodes of these kinds, of which the first gives `value`; None for other nodes."""
    for kind in kinds:
        if value.get_node().get_type_name() != kind:
            return None
        value = value.get_node().input_value(0)
    return value


def _only_source(node: Any, kind: str) -> Any | None:
    """The node of a kind that the first input comes from, if nothing else takes what it gives."""
    value = node.input_value(0)
    source = value.get_node()
    return source if source.get_type_name() == kind and len(value.get_target_inputs()) == 1 else None


def _is_size(value: Any, axis: int, wanted: int) -> bool:
    """Whether a tensor is known to have this size along an axis."""
    shape = value.get_partial_shape()
    if not shape.rank.is_static or not -shape.rank.get_length() <= axis < shape.rank.get_length():
        return False
    size = shape[axis % shape.rank.get_length()]
    return bool(size.is_static and size.get_length() == wanted)
