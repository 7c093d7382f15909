"""A model on a server, asked over gRPC."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from coconet.errors import MissingPackage
from coconet.runtime.backends.remote.connection import LARGEST_ANSWER, ServerTimeout, ServerUnreachable
from coconet.runtime.backends.remote.remote_model import refusal_of
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.grpc_messages import (
    CODES,
    SERVICE,
    infer_request,
    messages,
    parse_infer_answer,
    read_infer_answer,
    to_fields,
)
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import Tensor
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec

try:
    import grpc
except ImportError as error:
    raise MissingPackage("grpc", job="models over gRPC", extra="grpc") from error

_STATUSES = {
    **{code: status for status, code in CODES.items()},
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 503,
    grpc.StatusCode.UNIMPLEMENTED: 404,
}

_OUR_DEADLINE = "Deadline Exceeded"  # what gRPC says of a call that it gave up here, in place of the server


_AROUND = re.compile(r"^\w+:(?=\S)| ?\(\d+\)\)*$")


class GrpcModel:
    """A RemoteModel over a connection of gRPC; a call that is cut is cancelled, and its answer never comes."""

    def __init__(self, address: ServerAddress) -> None:
        """Prepare to ask; nothing is connected yet."""
        self._address = address
        options = [
            ("grpc.max_receive_message_length", LARGEST_ANSWER),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),  # a connection for each, as over HTTP
            ("grpc.enable_retries", 0),  # a picture that was asked for twice is a late one
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        self._channel = grpc.insecure_channel(f"{address.url_host}:{address.port}", options)
        self._metadata = tuple((name.lower(), value) for name, value in address.headers.items())
        self._call: Any = None
        self._cuts = 0

    def config(self, within_s: float) -> Mapping[str, Any] | None:
        """The model's configuration; None from a server that does not tell it."""
        code = grpc.StatusCode
        try:
            answer = self._asked("ModelConfig", messages.ModelConfigRequest(name=self._address.model), within_s)
        except grpc.RpcError as error:
            if error.code() in (code.UNIMPLEMENTED, code.NOT_FOUND, code.INVALID_ARGUMENT):
                return None
            raise self._translated(error) from error
        return to_fields(answer)["config"]  # type: ignore[no-any-return]

    def metadata(self, within_s: float) -> Mapping[str, Any]:
        """What the model takes and gives."""
        request = messages.ModelMetadataRequest(name=self._address.model)
        try:
            return to_fields(self._asked("ModelMetadata", request, within_s))
        except grpc.RpcError as error:
            raise self._translated(error) from error

    def is_ready(self, within_s: float) -> bool:
        """Whether the model fuses."""
        request = messages.ModelReadyRequest(name=self._address.model)
        try:
            return bool(self._asked("ModelReady", request, within_s).ready)
        except grpc.RpcError:
            return False

    def infer(
        self, tensors: Mapping[str, Tensor], within_s: float, coding: PictureCoding | None, wanted: TensorSpec
    ) -> Tensor:
        """Ask for one output."""
        request = infer_request(self._address.model, tensors, within_s, coding, wanted.name)
        try:
            return read_infer_answer(self._called("ModelInfer", request, within_s, bytes, parse_infer_answer), wanted)
        except grpc.RpcError as error:
            raise self._translated(error) from error

    def cut(self) -> None:
        """Cancel the call that is under way."""
        self._cuts += 1
        call = self._call
        if call is not None:
            call.cancel()

    def close(self) -> None:
        """End the connection."""
        self.cut()
        self._channel.close()

    def _asked(self, method: str, request: Any, within_s: float) -> Any:
        reads = getattr(messages, f"{method}Response").FromString
        return self._called(method, request, within_s, type(request).SerializeToString, reads)

    def _called(
        self, method: str, request: Any, within_s: float, writes: Callable[[Any], bytes], reads: Callable[[bytes], Any]
    ) -> Any:
        cuts = self._cuts
        ask = self._channel.unary_unary(f"/{SERVICE}/{method}", request_serializer=writes, response_deserializer=reads)
        self._call = call = ask.future(request, timeout=within_s, metadata=self._metadata, wait_for_ready=False)
        try:
            if self._cuts != cuts:
                call.cancel()
            return call.result()
        except grpc.FutureCancelledError as error:
            raise self._gone(ServerUnreachable, "one that was given up", "was given up") from error
        finally:
            self._call = None

    def _translated(self, error: Any) -> Exception:
        code, details = error.code(), str(error.details() or "")
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and details == _OUR_DEADLINE:
            return self._gone(ServerTimeout, "no answer in time", "does not answer in time")
        if code not in _STATUSES or (code is grpc.StatusCode.UNAVAILABLE and not error.trailing_metadata()):
            said = reason_in(details) or str(code)
            return self._gone(ServerUnreachable, said, f"cannot be reached: {said}")
        return refusal_of(self._address, _STATUSES[code], details)

    def _gone(self, kind: type[ServerUnreachable], got: str, says: str) -> ServerUnreachable:
        remedy = "Check that it runs and can be reached from here."
        return kind(self._address.named, wanted="a server that answers", got=got, remedy=remedy, says=says)


def reason_in(details: str) -> str:
    """What the system said, out of what gRPC makes of it: `... IP:PORT: recvmsg:Connection reset by peer (104)`."""
    return _AROUND.sub("", details.partition("\n")[0].rpartition(": ")[2][:300])
