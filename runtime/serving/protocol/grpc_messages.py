"""Requests and answers of the Open Inference Protocol over gRPC, as the messages of Triton's client library.

Source: grpc_service.proto of Triton Inference Server, whose messages are those of KServe and more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coconet.errors import MissingPackage
from coconet.runtime.serving.protocol.inference_error import InferenceError
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_spec import ModelSpec, TensorSpec
from coconet.runtime.serving.protocol.wire import (
    BYTES,
    InferenceRequest,
    Tensor,
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

_CONTENTS = {"UINT8": "uint_contents", "FP32": "fp32_contents"}


def read_infer(message: Any, spec: ModelSpec, largest: int) -> InferenceRequest:
    """Read a ModelInferRequest. Raises InferenceError for what does not fit; largest: as for `read_request`."""
    raw: Sequence[bytes] = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        got = f"{len(raw)} for {len(message.inputs)} inputs"
        raise InferenceError(
            "raw_input_contents", wanted="one for each input, or none", got=got, remedy="Count them again."
        )
    inputs = [_input(one, typed=not raw) for one in message.inputs]
    parts: list[bytes | None] = list(raw) if raw else [_picture_of(one) for one in message.inputs]
    fields = {
        "id": message.id,
        "parameters": _values(message.parameters),
        "inputs": inputs,
        "outputs": [{"name": one.name, "parameters": _output_values(one.parameters)} for one in message.outputs],
    }
    return read_fields(fields, parts, spec, largest)


def _input(message: Any, *, typed: bool) -> dict[str, Any]:
    told = {"name": message.name, "datatype": message.datatype, "shape": list(message.shape)}
    if typed and message.datatype in _CONTENTS:
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


def infer_answer(model: str, version: str, request: InferenceRequest, name: str, tensor: Tensor) -> Any:
    """Lay out a ModelInferResponse of one output."""
    told, part = pack_tensor(name, tensor, request.encoded)
    answer = messages.ModelInferResponse(model_name=model, model_version=version, id=request.name)
    answer.outputs.add(**told)
    answer.raw_output_contents.append(bytes(part))
    return answer


def infer_request(
    model: str, tensors: Mapping[str, Tensor], timeout_s: float, encoded: PictureCoding | None, output: str
) -> Any:
    """Lay out a ModelInferRequest; encoded: how pictures travel, there and back."""
    request = messages.ModelInferRequest(model_name=model)
    for name, value in request_parameters(timeout_s).items():
        _set(request.parameters[name], value)
    for name, tensor in tensors.items():
        told, part = pack_tensor(name, tensor, encoded)
        request.inputs.add(**told)
        request.raw_input_contents.append(bytes(part))
    wanted = request.outputs.add(name=output)
    for name, value in (encoded.parameters if encoded else {}).items():
        _set(wanted.parameters[name], value)
    return request


def _set(parameter: Any, value: object) -> None:
    kind = "bool" if isinstance(value, bool) else "int64" if isinstance(value, int) else "string"
    setattr(parameter, f"{kind}_param", value)


def read_infer_answer(message: Any, wanted: TensorSpec) -> Tensor:
    """Read one output of a ModelInferResponse. Raises InferenceError where it is not there or does not fit."""
    told = [{"name": one.name, "datatype": one.datatype, "shape": list(one.shape)} for one in message.outputs]
    return read_output(told, list(message.raw_output_contents), wanted)


def to_message(kind: str, fields: Mapping[str, Any]) -> Any:
    """A message of the service out of the fields that HTTP has as JSON."""
    return json_format.ParseDict(fields, getattr(messages, kind)())


def to_fields(message: Any) -> dict[str, Any]:
    """The fields of a message as HTTP has them as JSON, with numbers of 64 bits as text."""
    fields: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return fields
