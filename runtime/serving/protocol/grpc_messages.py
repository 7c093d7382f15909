"""Requests and answers of the Open Inference Protocol over gRPC, as the messages of Triton's client library.

Source: grpc_service.proto of Triton Inference Server, whose messages are those of KServe and more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coconet.errors import MissingPackage
from coconet.runtime.serving.protocol.inference_error import InferenceError
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import BYTES, Tensor, bad, shortened
from coconet.runtime.serving.protocol.tensor_spec import ModelSpec, TensorSpec
from coconet.runtime.serving.protocol.wire import (
    InferenceRequest,
    pack_tensor,
    read_fields,
    read_output,
    request_parameters,
)

try:
    import grpc
    from google.protobuf import json_format
    from tritonclient.grpc import service_pb2
except ImportError as error:
    raise MissingPackage("tritonclient.grpc", job="models over gRPC", extra="grpc") from error

messages: Any = service_pb2
"""The messages of the service, by their names."""

SERVICE = "inference.GRPCInferenceService"

CODES: Mapping[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""The status of gRPC for that of HTTP."""

_RAW_INPUT = messages.ModelInferRequest.DESCRIPTOR.fields_by_name["raw_input_contents"]

_RAW_OUTPUT = messages.ModelInferResponse.DESCRIPTOR.fields_by_name["raw_output_contents"]

_MOST_FIELDS = 64
"""Of a message that is taken apart here; an honest one has about ten."""

_DELIMITED = 2  # the wire type of whatever has its length before it, as every field of these two messages

_CONTENTS = {"UINT8": "uint_contents", "FP32": "fp32_contents", BYTES: "bytes_contents"}

_NO_DATA = "has no data, neither in its contents nor in raw_input_contents"


@dataclass(frozen=True)
class InferMessage:
    """A ModelInferRequest or ModelInferResponse as it came.

    fields: all of it but the raw contents, which stay where they were received.
    """

    fields: Any
    raw: Sequence[memoryview | bytes]


def parse_infer(data: bytes) -> InferMessage:
    """Take the bytes of a ModelInferRequest apart without copying its pictures. Raises DecodeError for other bytes."""
    return _parse(data, messages.ModelInferRequest, _RAW_INPUT)


def parse_infer_answer(data: bytes) -> InferMessage:
    """The same of a ModelInferResponse."""
    return _parse(data, messages.ModelInferResponse, _RAW_OUTPUT)


def _parse(data: bytes, kind: Any, raw_field: Any) -> InferMessage:
    """Take a message apart whose fields all have their length before them; the library reads any other.

    Source: the encoding of protocol buffers, of which a message is a sequence of fields, each behind its tag.
    """
    whole, rest, raw = memoryview(data), list[memoryview](), list[memoryview]()
    at = 0
    for _ in range(_MOST_FIELDS):
        begin = at
        tag, at = _varint(data, at)
        size, at = _varint(data, at)
        end = at + size
        if tag & 7 != _DELIMITED or end > len(data):
            break
        if tag >> 3 == raw_field.number:
            raw.append(whole[at:end])
        else:
            rest.append(whole[begin:end])
        if end == len(data):
            return InferMessage(kind.FromString(b"".join(rest)), raw)
        at = end
    message = kind.FromString(data)  # odd or damaged: the library knows, and says so
    return InferMessage(message, getattr(message, raw_field.name))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, of four bytes at most, and the place behind it; what is none gives more than any has."""
    value = 0
    for count, byte in enumerate(data[at : at + 4]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, at + count + 1
    return len(data) + 1, len(data)


def _to_varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def read_infer(asked: InferMessage, spec: ModelSpec, largest: int) -> InferenceRequest:
    """Read a ModelInferRequest. Raises InferenceError for what does not fit; largest: as for `read_request`."""
    message, raw = asked.fields, asked.raw
    if raw and len(raw) != len(message.inputs):
        got = f"{len(raw)} for {len(message.inputs)} inputs"
        raise InferenceError(
            "raw_input_contents",
            wanted="one for each input, or none",
            got=got,
            remedy="Count them again.",
            says=f"must be one for each input, or none, not {got}",
        )
    kinds = {tensor.name: tensor.data_type for tensor in spec.inputs}
    for one in message.inputs:
        _check_contents(one, kinds.get(one.name), beside_raw=bool(raw))
    inputs = [_input(one, typed=not raw) for one in message.inputs]
    parts: list[memoryview | bytes | None] = list(raw) if raw else [_picture_of(one) for one in message.inputs]
    fields = {
        "id": message.id,
        "parameters": _values(message.parameters),
        "inputs": inputs,
        "outputs": [{"name": one.name, "parameters": _output_values(one.parameters)} for one in message.outputs],
    }
    return read_fields(fields, parts, spec, largest)


def _check_contents(message: Any, kind: str | None, *, beside_raw: bool) -> None:
    """Refuse an input whose data lie nowhere, twice or in the contents of another type. kind: its right one."""
    found = " and ".join(field.name for field, _ in message.contents.ListFields())
    if beside_raw and found:
        says = f"has data in {found} and in raw_input_contents"
        raise bad(shortened(message.name), "data in one of both", "data in both", "Leave one of them out.", says)
    if beside_raw or not (message.datatype == kind or (message.datatype == BYTES and kind == "UINT8")):
        return  # of another type or name, which is refused as over HTTP
    place = _CONTENTS[message.datatype]
    if found != place:
        says = f"has data in {found}, but those of {message.datatype} belong into {place}" if found else _NO_DATA
        raise bad(
            message.name, f"data in {place}", found or "none", f"Send them in {place} or raw_input_contents.", says
        )
    if message.datatype == BYTES and (count := len(message.contents.bytes_contents)) != 1:
        says = f"has {count} elements in bytes_contents, but is one picture"
        raise bad(message.name, "one element", f"{count}", "Send one.", says)


def _input(message: Any, *, typed: bool) -> dict[str, Any]:
    told = {"name": message.name, "datatype": message.datatype, "shape": list(message.shape)}
    if typed and message.datatype in _CONTENTS and message.datatype != BYTES:
        told["data"] = list(getattr(message.contents, _CONTENTS[message.datatype]))
    return told


def _picture_of(message: Any) -> bytes | None:
    """The only element of an input of elements of any length, with its length before it, as among raw contents."""
    if message.datatype != BYTES or len(message.contents.bytes_contents) != 1:
        return None
    data = bytes(message.contents.bytes_contents[0])
    return len(data).to_bytes(4, "little") + data


def _values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(value, value.WhichOneof("parameter_choice") or "bool_param") for name, value in parameters.items()
    }


def _output_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {**_values(parameters), "binary_data": True}  # every output is


def infer_answer(model: str, version: str, request: InferenceRequest, name: str, tensor: Tensor) -> bytes:
    """The bytes of a ModelInferResponse of one output, which is copied once."""
    told, part = pack_tensor(name, tensor, request.encoded)
    answer = messages.ModelInferResponse(model_name=model, model_version=version, id=request.name)
    answer.outputs.add(**told)
    return _joined(answer, _RAW_OUTPUT, [part])


def infer_request(
    model: str, tensors: Mapping[str, Tensor], timeout_s: float, encoded: PictureCoding | None, output: str
) -> bytes:
    """The bytes of a ModelInferRequest, its pictures copied once; encoded: how they travel, there and back."""
    request, parts = messages.ModelInferRequest(model_name=model), list[memoryview]()
    for name, value in request_parameters(timeout_s).items():
        _set(request.parameters[name], value)
    for name, tensor in tensors.items():
        told, part = pack_tensor(name, tensor, encoded)
        request.inputs.add(**told)
        parts.append(part)
    wanted = request.outputs.add(name=output)
    for name, value in (encoded.parameters if encoded else {}).items():
        _set(wanted.parameters[name], value)
    return _joined(request, _RAW_INPUT, parts)


def _joined(message: Any, raw_field: Any, parts: Sequence[memoryview]) -> bytes:
    """The bytes of a message, with raw contents behind its other fields."""
    tag = _to_varint(raw_field.number << 3 | _DELIMITED)
    return b"".join(
        (message.SerializeToString(), *(one for part in parts for one in (tag, _to_varint(len(part)), part)))
    )


def _set(parameter: Any, value: object) -> None:
    kind = "bool" if isinstance(value, bool) else "int64" if isinstance(value, int) else "string"
    setattr(parameter, f"{kind}_param", value)


def read_infer_answer(answer: InferMessage, wanted: TensorSpec) -> Tensor:
    """Read one output of a ModelInferResponse. Raises InferenceError if it is not there or does not fit."""
    told = [{"name": one.name, "datatype": one.datatype, "shape": list(one.shape)} for one in answer.fields.outputs]
    return read_output(told, list(answer.raw), wanted)


def to_message(kind: str, fields: Mapping[str, Any]) -> Any:
    """A message of the service out of the fields that HTTP has as JSON."""
    return json_format.ParseDict(fields, getattr(messages, kind)())


def to_fields(message: Any) -> dict[str, Any]:
    """The fields of a message as HTTP has them as JSON, with numbers of 64 bits as text."""
    fields: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return fields
