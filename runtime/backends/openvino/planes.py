"""Pictures in planes: a model takes and gives the channels of a picture one after the other.

Bytes of three channels beside each other are no work for vectors: joining brightness and colour takes three times as
long as in planes, and OpenVINO parts and joins channels one byte at a time. OpenCV does it in a tenth of the time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coconet.installation.opencv import has_opencv
from coconet.media.pixels import Pixels
from coconet.runtime.backends.openvino.graph import FROM_PLANES, whole
from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.package import opset13 as opset
from coconet.runtime.backends.tiles.plan import padding

FROM_PX = 200_000
"""Pixels from which a second of video is worth loading OpenCV, if nothing else has."""

PLANES = "visible planes"
"""What the input is called then."""


def in_planes(model: Any) -> Any | None:
    """The same model for pictures in planes; None if it is not of a large size or joins colour in some other way.

    Without OpenCV it is None as well. The model itself is of no use afterwards.
    """
    result = model.get_results()[0]
    taken = next((one for one in model.get_parameters() if _is_large_picture(one.output(0))), None)
    if taken is None or len(model.get_results()) != 1:
        return None
    terms = _joined(result.input_value(0), taken.output(0))
    if terms is None:
        return None
    batch, height, width, channels = taken.output(0).get_shape()
    planes = opset.parameter([batch, channels, height, width], openvino.Type.u8, PLANES)
    planes.output(0).set_names({PLANES})
    factor, addend = (opset.reshape(term, whole([batch, 1, height, width]), False) for term in terms)
    joined = opset.add(opset.multiply(opset.convert(planes, factor.get_element_type()), factor), addend)
    fused = opset.convert(opset.round(opset.clamp(joined, 0.0, 255.0), "half_to_even"), openvino.Type.u8)
    fused.output(0).set_names(result.output(0).get_names() or result.input_value(0).get_names())
    taken.output(0).replace(opset.transpose(planes, whole(FROM_PLANES)).output(0))
    others = [one for one in model.get_parameters() if one.output(0) != taken.output(0)]
    return openvino.Model([fused], [planes, *others], model.get_friendly_name())


def takes_planes(compiled: Any) -> bool:
    """Whether a compiled model is one of `in_planes`."""
    return any(PLANES in one.names for one in compiled.inputs)


class Margins(NamedTuple):
    """What a picture lacks to the multiples that a network pads to: in bytes, and not as floats in its graph."""

    top: int
    bottom: int
    left: int
    right: int

    def added_to(self, picture: Pixels) -> Pixels:
        """(H, W, C) with its margins, reflected as the graphs do it; C of 1 stays."""
        if not any(self):
            return picture
        import cv2

        padded = np.asarray(cv2.copyMakeBorder(picture, *self, cv2.BORDER_REFLECT_101), np.uint8)
        return padded.reshape(*padded.shape[:2], picture.shape[2])

    def taken_off(self, picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
        """The (..., height, width) of a padded (..., H, W) that were there before: a view."""
        return picture[..., self.top : self.top + height, self.left : self.left + width]


NO_MARGINS = Margins(0, 0, 0, 0)


def margins_for(picture: Pixels, multiple: int) -> Margins:
    """What brings a large picture to whole multiples; nothing for a small one, and without OpenCV."""
    height, width = picture.shape[:2]
    if height * width < FROM_PX or not has_opencv():
        return NO_MARGINS
    (tall, top), (wide, left) = padding(height, multiple), padding(width, multiple)
    return Margins(top, tall - height - top, left, wide - width - left)


def part(picture: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) to (1, 3, H, W)."""
    import cv2

    height, width, channels = picture.shape
    planes = np.empty((1, channels, height, width), np.uint8)
    cv2.split(picture, list(planes[0]))
    return planes


def join(planes: NDArray[np.uint8]) -> Pixels:
    """(1, 3, H, W) to (H, W, 3), which is a copy."""
    import cv2

    picture: Pixels = cv2.merge(list(planes[0]))
    return picture


def _is_large_picture(value: Any) -> bool:
    shape = value.get_partial_shape()
    if shape.is_dynamic or value.get_element_type() != openvino.Type.u8 or len(shape) != 4:
        return False
    _, height, width, channels = shape.to_shape()
    return bool(channels == 3 and height * width >= FROM_PX and has_opencv())


def _joined(fused: Any, picture: Any) -> tuple[Any, Any] | None:
    """The factor and the addend, one for all channels of a pixel, by which the fused picture is made of the visible."""
    last = fused.get_node()
    for kinds in (("Convert",), ("Round",), ("Minimum", "Maximum"), ("Minimum", "Maximum")):
        if last.get_type_name() not in kinds:
            return None
        values = [value.get_node() for value in last.input_values()]
        last = next((node for node in values if node.get_type_name() != "Constant"), last)
    if last.get_type_name() != "Add":
        return None
    for index in (0, 1):
        product, addend = last.input_value(index).get_node(), last.input_value(1 - index)
        if product.get_type_name() != "Multiply":
            continue
        for side in (0, 1):
            colours, factor = product.input_value(side).get_node(), product.input_value(1 - side)
            of_picture = colours.get_type_name() == "Convert" and colours.input_value(0) == picture
            if of_picture and all(term.get_shape() == [*picture.get_shape()[:3], 1] for term in (factor, addend)):
                return factor, addend
    return None
