"""Requests and answers of the Open Inference Protocol over HTTP, as bytes: JSON, and after it tensors in binary.

Source: the inference protocol of KServe (version 2) with the binary tensor data extension of Triton.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.runtime.serving.tensor_spec import ANY, ModelSpec, TensorSpec

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says how many bytes of the body are JSON; without it all of them are."""

Tensor = NDArray[Any]

_TYPES: Mapping[str, Any] = {"UINT8": np.dtype(np.uint8), "FP32": np.dtype("<f4")}

_UNSERVED = ("sequence_id", "sequence_start", "sequence_end")

_SEND = "See the model's metadata for what it takes."


class InferenceError(CoconetError):
    """A request that gets no picture; status: the one of HTTP."""

    status = 400


class TooLate(InferenceError):
    """An answer that would come after its deadline."""

    status = 504


class Unavailable(InferenceError):
    """A server that takes no more for now."""

    status = 503


@dataclass(frozen=True)
class InferenceRequest:
    """What a client wants. tensors: by input. timeout_s: how long it waits; None if it does not say."""

    name: str
    tensors: Mapping[str, Tensor]
    binary: bool
    timeout_s: float | None = None


def read_request(body: bytes, header_length: str | None, spec: ModelSpec) -> InferenceRequest:
    """Read the body of a request for a model; header_length: as the header says.

    Raises InferenceError, with what was wanted and what was got, for whatever does not fit.
    """
    fields, rest = _parted(body, header_length)
    parameters = _object(fields.get("parameters", {}), "parameters")
    for name in _UNSERVED:
        if parameters.get(name):
            raise _bad(f"parameter {name}", "a request by itself", "one of a sequence", "Leave it out.")
    told = _list(fields.get("inputs"), "inputs")
    names = [str(one.get("name")) for one in told]
    wanted = [tensor.name for tensor in spec.inputs]
    if sorted(names) != sorted(wanted):
        raise _bad("inputs", " and ".join(wanted), _shown(", ".join(names) or "none"), _SEND)
    known, tensors, used = {tensor.name: tensor for tensor in spec.inputs}, {}, 0
    for one in told:
        tensor = known[str(one["name"])]
        size = _object(one.get("parameters", {}), f"parameters of {tensor.name}").get("binary_data_size")
        end = used if size is None else used + _count(size, tensor.name)
        tensors[tensor.name] = _tensor(one, tensor, None if size is None else rest[used:end])
        used = end
    if used != len(rest):
        raise _bad("body", f"{used} bytes after its JSON, as the inputs say", f"{len(rest)}", "Count them again.")
    timeout_us = parameters.get("timeout", 0)
    if not isinstance(timeout_us, int) or isinstance(timeout_us, bool) or timeout_us < 0:
        raise _bad("parameter timeout", "microseconds as a whole number", "something else", "Correct it.")
    name = fields.get("id", "")
    if not isinstance(name, str) or len(name) > 1000:
        raise _bad("id", "a text of at most 1000 characters", "something else", "Correct it.")
    return InferenceRequest(name, tensors, _wants_binary(fields, parameters, spec), timeout_us / 1e6 or None)


def pack_answer(model: str, version: str, request: InferenceRequest, tensors: Mapping[str, Tensor]) -> Packed:
    """Lay out an answer as the request wants it, in binary or as JSON."""
    fields: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.name:
        fields["id"] = request.name
    return _packed(fields, "outputs", tensors, binary=request.binary)


def pack_request(tensors: Mapping[str, Tensor], timeout_s: float | None = None) -> Packed:
    """Lay out a request in binary for all outputs of a model, which are wanted in binary as well."""
    parameters: dict[str, Any] = {"binary_data_output": True}
    if timeout_s is not None:
        parameters["timeout"] = max(1, round(timeout_s * 1e6))
    return _packed({"parameters": parameters}, "inputs", tensors, binary=True)


def read_answer(body: bytes, header_length: str | None, wanted: TensorSpec) -> Tensor:
    """Read one output out of an answer. Raises InferenceError where it is not there or does not fit."""
    fields, rest = _parted(body, header_length)
    used = 0
    for one in _list(fields.get("outputs"), "outputs"):
        size = _object(one.get("parameters", {}), "parameters").get("binary_data_size")
        data = None if size is None else rest[used : used + _count(size, str(one.get("name")))]
        used += 0 if data is None else len(data)
        if one.get("name") == wanted.name:
            return _tensor(one, wanted, data)
    raise _bad("answer", f"the output {wanted.name}", "none of that name", "Check which model the server has.")


@dataclass(frozen=True)
class Packed:
    """The body of a request or an answer, and the headers that say what it is."""

    body: bytes
    headers: Mapping[str, str]


def _packed(fields: dict[str, Any], group: str, tensors: Mapping[str, Tensor], *, binary: bool) -> Packed:
    parts, told = [], []
    for name, tensor in tensors.items():
        kind = next(name for name, found in _TYPES.items() if found == tensor.dtype)
        one: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(tensor.shape)}
        if binary:
            parts.append(np.ascontiguousarray(tensor).data.cast("B"))
            one["parameters"] = {"binary_data_size": tensor.nbytes}
        else:
            one["data"] = tensor.ravel().tolist()
        told.append(one)
    head = json.dumps({**fields, group: told}).encode()
    if not binary:
        return Packed(head, {"Content-Type": "application/json"})
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return Packed(b"".join((head, *parts)), headers)


def _parted(body: bytes, header_length: str | None) -> tuple[dict[str, Any], memoryview]:
    """The JSON of a body, and what stands after it."""
    length = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdigit()) or int(header_length[:12]) > len(body):
            got = f"{_shown(header_length)} of a body of {len(body)}"
            raise _bad(HEADER_LENGTH, "the number of bytes of JSON in the body", got, "Count them again.")
        length = int(header_length)
    try:
        fields = json.loads(body[:length], parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _bad("body", "a JSON object", "something else", "Send one, as the protocol says.") from None
    return _object(fields, "body"), memoryview(body)[length:]


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _tensor(told: Mapping[str, Any], wanted: TensorSpec, data: memoryview | None) -> Tensor:
    """The array of a tensor, with its type and shape as they are wanted; data: its bytes, if they came in binary."""
    if told.get("datatype") != wanted.data_type:
        raise _bad(wanted.name, wanted.data_type, _shown(str(told.get("datatype"))), f"Send it as {wanted.data_type}.")
    sides = told.get("shape")
    if not isinstance(sides, list) or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise _bad(f"{wanted.name}, shape", "a list of whole numbers", "something else", _SEND)
    if not wanted.takes(tuple(sides)):
        raise _bad(f"{wanted.name}, shape", _shape(wanted.shape), _shown(str(sides)), _SEND)
    kind, count = _TYPES[wanted.data_type], math.prod(sides)
    if data is None:
        return _numbers(told.get("data"), wanted, count).reshape(sides)
    if len(data) != count * kind.itemsize:
        got = f"{len(data)}"
        raise _bad(wanted.name, f"{count * kind.itemsize} bytes for {_shape(sides)}", got, "Count them again.")
    return np.frombuffer(data, kind).reshape(sides)


def _numbers(data: object, wanted: TensorSpec, count: int) -> Tensor:
    """The numbers of a tensor that came as JSON, flat or in lists in lists."""
    if not isinstance(data, list):
        raise _bad(wanted.name, "its data, or its bytes after the JSON", "neither", _SEND)
    try:
        found = np.array(data)
    except ValueError:
        raise _bad(f"{wanted.name}, data", "numbers in lists of one length", "others", _SEND) from None
    whole = wanted.data_type == "UINT8"
    if found.dtype.kind not in ("iu" if whole else "iuf") or found.size != count:
        got = f"{found.size} that are {'numbers' if found.dtype.kind in 'iuf' else 'none'}"
        raise _bad(f"{wanted.name}, data", f"{count} {'whole ' if whole else ''}numbers", got, _SEND)
    if whole and (found.min() < 0 or found.max() > 255):
        raise _bad(f"{wanted.name}, data", "levels of 0 to 255", f"{found.min()} to {found.max()}", _SEND)
    return found.astype(_TYPES[wanted.data_type])


def _wants_binary(fields: Mapping[str, Any], parameters: Mapping[str, Any], spec: ModelSpec) -> bool:
    """Whether the output is wanted in binary; refuses outputs that the model has not."""
    outputs = _list(fields.get("outputs", []), "outputs")
    names = {tensor.name for tensor in spec.outputs}
    for one in outputs:
        if one.get("name") not in names:
            raise _bad("outputs", " and ".join(sorted(names)), _shown(str(one.get("name"))), _SEND)
        told = _object(one.get("parameters", {}), "parameters of an output")
        for name in ("classification", "shared_memory_region"):
            if told.get(name):
                raise _bad(f"parameter {name}", "the whole output", "something else", "Leave it out.")
        if "binary_data" in told:
            return bool(told["binary_data"])
    return bool(parameters.get("binary_data_output", False))


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(where, "a JSON object", "something else", "Correct it.")
    return value


def _list(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _bad(where, "a list of tensors", "something else", "Correct it.")
    return value


def _count(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad(f"{_shown(name)}, binary_data_size", "a number of bytes", "something else", "Correct it.")
    return value


def _shape(sides: Sequence[int]) -> str:
    return "[" + ", ".join("any" if side == ANY else _shown(str(side)) for side in sides[:8]) + "]"


def _shown(text: str) -> str:
    """What a client sent, short enough for a sentence."""
    return text if len(text) <= 60 else f"{text[:60]}..."


def _bad(where: str, wanted: str, got: str, remedy: str) -> InferenceError:
    return InferenceError(where, wanted=wanted, got=got, remedy=remedy)
