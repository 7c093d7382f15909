"""Requests and answers of the Open Inference Protocol over HTTP, as bytes: JSON, and after it tensors in binary.

Source: the inference protocol of KServe (version 2) with the binary tensor data extension of Triton.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from coconet.errors import nearest, nearest_of
from coconet.runtime.serving.protocol.picture_coding import USUAL_QUALITY, PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import (
    BYTES,
    ELSE,
    LARGEST_PICTURE,
    SEND,
    TYPES,
    Tensor,
    bad,
    check_fields,
    check_lacking,
    read_tensor,
    shortened,
)
from coconet.runtime.serving.protocol.tensor_spec import ModelSpec, TensorSpec

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says how many bytes of the body are JSON; without it all of them are."""

_UNSERVED = ("sequence_id", "sequence_start", "sequence_end")

_PARAMETERS = ("timeout", "binary_data_output")

_OUTPUT_PARAMETERS = ("binary_data", "classification", "shared_memory_region", "encoding", "quality")

_FIELDS = ("id", "parameters", "inputs", "outputs", "model_name", "model_version")


@dataclass(frozen=True)
class InferenceRequest:
    """What a client wants. tensors: by input. timeout_s: how long it waits; None if it does not say.

    encoded: how the output is to travel; None is as it is.
    """

    name: str
    tensors: Mapping[str, Tensor]
    binary: bool
    timeout_s: float | None = None
    encoded: PictureCoding | None = None


def read_request(
    body: memoryview, header_length: str | None, spec: ModelSpec, largest: int = LARGEST_PICTURE
) -> InferenceRequest:
    """Read the body of a request for a model; header_length: as the header says. largest: bytes of a picture's pixels.

    Raises InferenceError, with what was wanted and what was got, for whatever does not fit.
    """
    fields, rest = _parted(body, header_length)
    parts, used = _parts(_list(fields.get("inputs", []), "inputs"), rest)
    request = read_fields(fields, parts, spec, largest)
    if used != len(rest):
        says = f"has {len(rest)} bytes after its JSON, but its inputs say {used}"
        raise bad("body", f"{used} bytes after its JSON", f"{len(rest)}", "Count them again.", says)
    return request


def _parts(told: Sequence[Mapping[str, Any]], rest: memoryview) -> tuple[list[memoryview | None], int]:
    """The bytes of each tensor, None for those in the JSON, and how many bytes they are by what the JSON says."""
    parts, used = list[memoryview | None](), 0
    for one in told:
        name = str(one.get("name"))
        size = _object(one.get("parameters", {}), f"parameters of {shortened(name)}").get("binary_data_size")
        end = used if size is None else used + _count(size, name)
        parts.append(None if size is None else rest[used:end])
        used = end
    return parts, used


def read_fields(
    fields: Mapping[str, Any],
    parts: Sequence[memoryview | bytes | None],
    spec: ModelSpec,
    largest: int = LARGEST_PICTURE,
) -> InferenceRequest:
    """Read the fields of a request, named as in the protocol's JSON; parts: the bytes of each input, if it has any.

    Raises InferenceError, with what was wanted and what was got, for whatever does not fit.
    """
    parameters = _object(fields.get("parameters", {}), "parameters")
    _check_places(fields, parameters)
    for name in _UNSERVED:
        if parameters.get(name):
            says = "is not supported: every request stands by itself"
            raise bad(f"parameter {name}", "a request by itself", "one of a sequence", "Leave it out.", says)
    told = _list(fields.get("inputs"), "inputs")
    check_fields(told, "inputs")
    names = [str(one.get("name")) for one in told]
    wanted = [tensor.name for tensor in spec.inputs]
    if sorted(names) != sorted(wanted):
        raise bad("inputs", " and ".join(wanted), shortened(", ".join(names) or "none"), SEND)
    known = {tensor.name: tensor for tensor in spec.inputs}
    sent = zip(names, told, parts, strict=True)
    tensors = {name: read_tensor(one, known[name], _view(part), largest) for name, one, part in sent}
    timeout_us = parameters.get("timeout", 0)
    if not isinstance(timeout_us, int) or isinstance(timeout_us, bool) or timeout_us < 0:
        wish = "microseconds as a whole number"
        raise bad("parameter timeout", wish, ELSE, "Send 200000 for 200 ms.")
    name = fields.get("id", "")
    if not isinstance(name, str) or len(name) > 1000:
        raise bad("id", "a text of at most 1000 characters", ELSE, "Correct it.")
    binary, encoded = _wanted_output(fields, parameters, spec)
    return InferenceRequest(name, tensors, binary, timeout_us / 1e6 or None, encoded)


def _check_places(fields: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse what would be passed over although it was meant: a parameter in a wrong place, or a name almost right.

    Other names are passed over, as the protocol lays down none beside its own and leaves room for extensions.
    """
    inner = (*_PARAMETERS, *_UNSERVED)
    for name in fields.keys() & {*inner}:
        says = f"stands beside the inputs, where it says nothing: {name} belongs into parameters"
        raise bad(name, "its place in parameters", ELSE, _sent_as(name), says)
    for told, known, where in ((fields, _FIELDS, "field"), (parameters, inner, "parameter")):
        for name in told.keys() - set(known):
            says = f"{shortened(name)} is not known"
            if question := nearest(name, known):
                raise bad(where, " or ".join(known), shortened(name), f"{question}Correct it.", says)
            if where == "field" and (meant := nearest_of(name, inner)):
                raise bad(where, " or ".join(known), shortened(name), f"Did you mean {meant}? {_sent_as(meant)}", says)


def _sent_as(name: str) -> str:
    return f'Send "parameters": {{"{name}": ...}}{", in microseconds" if name == "timeout" else ""}.'


def pack_answer(model: str, version: str, request: InferenceRequest, tensors: Mapping[str, Tensor]) -> Packed:
    """Lay out an answer as the request wants it, in binary or as JSON."""
    fields: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.name:
        fields["id"] = request.name
    return _packed(fields, "outputs", tensors, request.encoded, binary=request.binary)


def pack_request(
    tensors: Mapping[str, Tensor],
    timeout_s: float | None = None,
    encoded: PictureCoding | None = None,
    output: str = "",
) -> Packed:
    """Lay out a request in binary for all outputs of a model, which are wanted in binary as well.

    encoded: how pictures travel, also that of `output`; None is as they are.
    """
    fields: dict[str, Any] = {"parameters": request_parameters(timeout_s)}
    if encoded is not None:
        fields["outputs"] = [{"name": output, "parameters": {"binary_data": True, **encoded.parameters}}]
    return _packed(fields, "inputs", tensors, encoded, binary=True)


def request_parameters(timeout_s: float | None) -> dict[str, Any]:
    """Those of a whole request. timeout_s: after which nobody waits for its answer."""
    timeout = {} if timeout_s is None else {"timeout": max(1, round(timeout_s * 1e6))}
    return {"binary_data_output": True, **timeout}


def read_answer(body: bytes, header_length: str | None, wanted: TensorSpec) -> Tensor:
    """Read one output out of an answer. Raises InferenceError if it is not there or does not fit."""
    fields, rest = _parted(memoryview(body), header_length)
    told = _list(fields.get("outputs"), "outputs")
    return read_output(told, _parts(told, rest)[0], wanted)


def _view(part: memoryview | bytes | None) -> memoryview | None:
    return None if part is None else memoryview(part)


def read_output(
    told: Sequence[Mapping[str, Any]], parts: Sequence[memoryview | bytes | None], wanted: TensorSpec
) -> Tensor:
    """Read one of the outputs that an answer tells; parts: their bytes. Raises InferenceError as `read_answer`."""
    for one, part in zip(told, parts, strict=False):
        if one.get("name") == wanted.name:
            return read_tensor(one, wanted, _view(part))
    wish, remedy = f"the output {wanted.name}", "Check which model the server has."
    raise bad("answer", wish, "none of that name", remedy, f"has no output {wanted.name}")


@dataclass(frozen=True)
class Packed:
    """The parts of a body, of a request or an answer, one behind the other, and the headers that say what it is."""

    parts: Sequence[bytes | memoryview]
    headers: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.parts))

    @property
    def body(self) -> bytes:
        """The whole body, its parts copied together."""
        return b"".join(self.parts)


def _packed(
    fields: dict[str, Any],
    group: str,
    tensors: Mapping[str, Tensor],
    encoded: PictureCoding | None,
    *,
    binary: bool,
) -> Packed:
    parts, told = [], []
    for name, tensor in tensors.items():
        if binary:
            one, part = pack_tensor(name, tensor, encoded)
            parts.append(part)
            one["parameters"] = {"binary_data_size": len(part)}
        else:
            one = {"name": name, "datatype": _type_of(tensor), "shape": list(tensor.shape)}
            one["data"] = tensor.ravel().tolist()
        told.append(one)
    head = json.dumps({**fields, group: told}).encode()
    if not binary:
        return Packed([head], {"Content-Type": "application/json"})
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return Packed([head, *parts], headers)


def pack_tensor(name: str, tensor: Tensor, encoded: PictureCoding | None) -> tuple[dict[str, Any], memoryview]:
    """The name, type and shape of a tensor, and its bytes. encoded: how it travels if it is a picture."""
    if encoded is None or tensor.dtype != np.uint8:
        told = {"name": name, "datatype": _type_of(tensor), "shape": list(tensor.shape)}
        return told, np.ascontiguousarray(tensor).data.cast("B")
    from coconet.runtime.serving.protocol.picture_codec import encoded_picture

    data = encoded_picture(tensor[0], encoded)
    return {"name": name, "datatype": BYTES, "shape": [1]}, memoryview(len(data).to_bytes(4, "little") + data)


def _type_of(tensor: Tensor) -> str:
    return next(name for name, found in TYPES.items() if found == tensor.dtype)


def _parted(body: memoryview, header_length: str | None) -> tuple[dict[str, Any], memoryview]:
    """The JSON of a body, and what stands after it."""
    length = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdigit()) or int(header_length[:12]) > len(body):
            got = f"{shortened(header_length)} of a body of {len(body)}"
            raise bad(HEADER_LENGTH, "the number of bytes of JSON in the body", got, "Count them again.")
        length = int(header_length)
    try:
        fields = json.loads(bytes(body[:length]), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        says, remedy = _json_fault(bytes(body[:length]), error)
        raise bad("body", "a JSON object", ELSE, remedy, f"must be a JSON object, but {says}") from None
    return _object(fields, "body"), body[length:]


def _json_fault(text: bytes, error: Exception) -> tuple[str, str]:
    """What is wrong with a text that is no JSON, as the rest of a sentence, and what to do."""
    if not text.strip():
        return "is empty", "Send one, as the protocol says."
    if not isinstance(error, json.JSONDecodeError):
        return "is not valid JSON", "Send one, as the protocol says."
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"is cut off after {len(text)} bytes", "Send all of it; check Content-Length."
    return f"is not valid JSON at line {error.lineno}, column {error.colno}", "Correct it there."


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _wanted_output(
    fields: Mapping[str, Any], parameters: Mapping[str, Any], spec: ModelSpec
) -> tuple[bool, PictureCoding | None]:
    """Whether the output is wanted in binary, and how it is to travel; refuses outputs that the model has not."""
    names = {tensor.name for tensor in spec.outputs}
    binary = _truth(parameters, "binary_data_output", otherwise=False)
    told_outputs = _list(fields.get("outputs", []), "outputs")
    check_fields(told_outputs, "outputs")
    for one in told_outputs:
        if one.get("name") not in names:
            raise bad("outputs", " and ".join(sorted(names)), shortened(str(one.get("name"))), SEND)
        told = _object(one.get("parameters", {}), "parameters of an output")
        for name in ("classification", "shared_memory_region"):
            if told.get(name):
                says = "is not supported: the output is given whole"
                raise bad(f"parameter {name}", "the whole output", ELSE, "Leave it out.", says)
        check_lacking(told, _OUTPUT_PARAMETERS, "outputs, parameter")
        binary = _truth(told, "binary_data", otherwise=binary)
        if (kind := told.get("encoding")) is not None:
            if not binary:
                wish, remedy = "an output in binary", "Ask for binary_data as well."
                raise bad("parameter encoding", wish, "one as JSON", remedy, "applies to an output in binary only")
            return binary, PictureCoding.checked(kind, told.get("quality", USUAL_QUALITY))
    return binary, None


def _truth(told: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = told.get(name, otherwise)
    if not isinstance(value, bool):
        raise bad(f"parameter {name}", "true or false", shortened(json.dumps(value)), "Correct it.")
    return value


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad(where, "a JSON object", ELSE, "Correct it.")
    return value


def _list(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise bad(where, "a list of tensors", ELSE, "Correct it.")
    return value


def _count(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad(f"{shortened(name)}, binary_data_size", "a number of bytes", ELSE, "Correct it.")
    return value
