"""Tensors of requests and answers, read out of bytes, JSON or picture files, and checked against what is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, nearest
from coconet.runtime.serving.protocol.inference_error import InferenceError
from coconet.runtime.serving.protocol.tensor_spec import ANY, TensorSpec

Tensor = NDArray[Any]

LARGEST_PICTURE = 256 * 10**6
"""Bytes of the pixels of a picture that came as JPEG or PNG; a server has a limit of its own."""

BYTES = "BYTES"
"""The type of elements of any length; here a picture as a file."""

TYPES: Mapping[str, Any] = {"UINT8": np.dtype(np.uint8), "FP32": np.dtype("<f4")}

ELSE = "something else"

SEND = "See the model's metadata for what it takes."

_FIELDS = ("name", "datatype", "shape", "data", "parameters")


def read_tensor(
    told: Mapping[str, Any], wanted: TensorSpec, data: memoryview | None, largest: int = LARGEST_PICTURE
) -> Tensor:
    """The array of a tensor, with its type and shape as they are wanted; data: its bytes, if they came in binary.

    told: its fields, as JSON has them. largest: bytes of the pixels of a picture file.
    Raises InferenceError for what does not fit.
    """
    if data is not None and told.get("data") is not None:
        says = "has both data and bytes after the JSON"
        raise bad(wanted.name, "one of both", "data twice", "Leave one out.", says)
    if told.get("datatype") == BYTES and wanted.data_type == "UINT8" and data is not None:
        return _picture(told, wanted, data, largest)
    if told.get("datatype") != wanted.data_type:
        kind, sent = wanted.data_type, shortened(str(told.get("datatype")))
        raise bad(wanted.name, kind, sent, f"Send it as {kind}.", f"must have the datatype {kind}, not {sent}")
    sides = told.get("shape")
    if not isinstance(sides, list) or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise bad(f"{wanted.name}, shape", "a list of whole numbers", ELSE, SEND)
    if not wanted.takes(tuple(sides)):
        raise bad(f"{wanted.name}, shape", _shape(wanted.shape), shortened(str(sides)), SEND)
    kind = TYPES[wanted.data_type]
    if data is None:
        return _numbers(told.get("data"), wanted, tuple(sides)).reshape(sides)
    if len(data) != (size := math.prod(sides) * kind.itemsize):
        needed = f"{size} bytes for {_shape(sides)}"
        says = f"has {len(data)} bytes, but needs {needed}"
        raise bad(wanted.name, needed, f"{len(data)}", "Count them again.", says)
    return np.frombuffer(data, kind).reshape(sides)


def _picture(told: Mapping[str, Any], wanted: TensorSpec, data: memoryview, largest: int) -> Tensor:
    """The pixels of a picture that came as JPEG or PNG: one element, which begins with its length."""
    if told.get("shape") != [1] or len(data) < 4 or int.from_bytes(data[:4], "little") != len(data) - 4:
        raise bad(wanted.name, "one picture, its length in 4 bytes before it, of shape [1]", ELSE, SEND)
    from coconet.runtime.serving.protocol.picture_codec import decoded_picture

    try:
        pixels = decoded_picture(bytes(data[4:]), wanted.shape[3], largest)[None]
    except CoconetError as error:
        raise bad(wanted.name, error.wanted, error.got, error.remedy, error.says) from None
    if not wanted.takes(pixels.shape):
        raise bad(f"{wanted.name}, size", _shape(wanted.shape), shortened(str(list(pixels.shape))), SEND)
    return pixels


def _numbers(data: object, wanted: TensorSpec, sides: tuple[int, ...]) -> Tensor:
    """The numbers of a tensor that came as JSON, flat or in lists in lists as deep and long as its shape says."""
    count = math.prod(sides)
    if not isinstance(data, list):
        wish = "its data, or its bytes after the JSON"
        raise bad(wanted.name, wish, "neither", SEND, "has neither data nor bytes after the JSON")
    try:
        found = np.array(data)
    except ValueError:
        raise bad(f"{wanted.name}, data", "numbers in lists of one length", ELSE, SEND) from None
    whole = wanted.data_type == "UINT8"
    if found.dtype.kind not in ("iu" if whole else "iuf") or found.size != count:
        kind = {"i": "whole numbers", "u": "whole numbers", "f": "numbers that are not all whole"}.get(found.dtype.kind)
        got = f"{found.size} {kind or 'other values'}" if found.size else "none"
        raise bad(f"{wanted.name}, data", f"{count} {'whole ' if whole else ''}numbers", got, SEND)
    if found.ndim > 1 and found.shape != sides:
        wish, got = f"flat, or in lists of the form {_shape(sides)}", f"in lists of the form {_shape(found.shape)}"
        raise bad(f"{wanted.name}, data", wish, got, "Correct data or shape.")
    if whole and (found.min() < 0 or found.max() > 255):
        raise bad(f"{wanted.name}, data", "levels of 0 to 255", f"{found.min()} to {found.max()}", SEND)
    return found.astype(TYPES[wanted.data_type])


def check_fields(told: Sequence[Mapping[str, Any]], group: str) -> None:
    """Refuse tensors that lack a field and have one that is nearly it. group: inputs or outputs.

    Fields of other names are passed over, as the protocol leaves room for extensions.
    """
    for one in told:
        check_lacking(one, _FIELDS, f"{group}, field")


def check_lacking(told: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a name that is nearly a known one which is not there itself."""
    lacking = [name for name in known if name not in told]
    for name in told.keys() - set(known):
        if question := nearest(name, lacking):
            says = f"{shortened(name)} is not known"
            raise bad(where, " or ".join(known), shortened(name), f"{question}Correct it.", says)


def _shape(sides: Sequence[int]) -> str:
    return "[" + ", ".join("any" if side == ANY else shortened(str(side)) for side in sides[:8]) + "]"


def shortened(text: str) -> str:
    """What a client sent, short enough for a sentence."""
    return text if len(text) <= 60 else f"{text[:60]}..."


def bad(where: str, wanted: str, got: str, remedy: str, says: str = "") -> InferenceError:
    """What does not fit, as an error; says: what is wrong with it, where that is not already told by the others."""
    says = says or f"must be {wanted}{'' if got == ELSE else f', not {got}'}"
    return InferenceError(where, wanted=wanted, got=got, remedy=remedy, says=says)
