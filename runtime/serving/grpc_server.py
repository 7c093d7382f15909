"""The Open Inference Protocol over gRPC: the same model, limits, token and words as over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

from coconet.cards.model_card import FUSED
from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.serving.protocol.grpc_messages import (
    CODES,
    SERVICE,
    InferMessage,
    infer_answer,
    messages,
    parse_infer,
    read_infer,
    to_message,
)
from coconet.runtime.serving.protocol.inference_error import FAILED, Unknown, status_of
from coconet.runtime.serving.served import SERVER, VERSION, Served
from coconet.runtime.viewers.auth import Access
from coconet.runtime.viewers.rate_limit import QuietLog, locate_error

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import grpc
except ImportError as error:
    raise MissingPackage("grpc", job="models over gRPC", extra="grpc") from error

try:
    from starlette.datastructures import Headers
except ImportError as error:
    raise MissingPackage("starlette", job="serving models", extra="web") from error

MOST_AT_ONCE = 64
"""Calls under way, those included that wait for their picture; one more is RESOURCE_EXHAUSTED."""

_STOP_S, _END_S = 2.0, 3.0

_GONE = 499  # as proxies count who did not wait

_OPEN = ("ServerLive", "ServerReady")
"""What is told without a token."""

Answer = Callable[[Any, grpc.ServicerContext], Any]


class GrpcServer:
    """A context manager: inside its block a model is served. address: host:port, once it is open."""

    def __init__(self, served: Served, access: Access, host: str, port: int) -> None:
        """Prepare to serve on a host and port; port 0 takes any that is free."""
        self._served, self._access, self._log = served, access, QuietLog()
        self._host, self._port = host.strip("[]"), port
        options = [
            ("grpc.so_reuseport", 0),  # a port that is taken is an error
            ("grpc.max_receive_message_length", served.largest),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", MOST_AT_ONCE),
            ("grpc.max_connection_idle_ms", 300_000),
            ("grpc.keepalive_time_ms", 30_000),  # a client that has vanished is given up
            ("grpc.keepalive_timeout_ms", 10_000),
        ]
        pool = ThreadPoolExecutor(MOST_AT_ONCE, "gRPC")
        self._server = grpc.server(pool, options=options, maximum_concurrent_rpcs=MOST_AT_ONCE)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._methods()),))

    @property
    def address(self) -> str:
        """Where clients find it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def __enter__(self) -> Self:
        try:
            self._port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise CoconetError(
                self.address,
                wanted="a host of this machine and a free port",
                got="one where nothing can listen",
                remedy="Choose another --grpc-port, or 0 for any that is free.",
                says="cannot be opened: it is not of this machine, or already in use",
            ) from error
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(_STOP_S).wait(_STOP_S + _END_S)

    def _methods(self) -> dict[str, grpc.RpcMethodHandler]:
        found: dict[str, Answer] = {
            "ServerLive": lambda request, context: messages.ServerLiveResponse(live=True),
            "ServerReady": lambda request, context: messages.ServerReadyResponse(ready=self._served.queue.running),
            "ServerMetadata": lambda request, context: to_message("ServerMetadataResponse", SERVER),
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelConfig": self._model_config,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._guarded(name, answer),
                request_deserializer=getattr(messages, f"{name}Request").FromString,
                response_serializer=getattr(messages, f"{name}Response").SerializeToString,
            )
            for name, answer in found.items()
        }
        infer = self._guarded("ModelInfer", self._infer)
        handlers["ModelInfer"] = grpc.unary_unary_rpc_method_handler(infer, request_deserializer=parse_infer)
        return handlers

    def _guarded(self, name: str, answer: Answer) -> Answer:
        """Answer who may ask; errors become a status and a sentence."""

        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            given = {str(key): str(value) for key, value in context.invocation_metadata() if key == "authorization"}
            if name not in _OPEN and self._access.right(Headers(given)) is None:
                self._log.note("refused", who=context.peer(), status=401)
                context.abort(CODES[401], "A token is needed, as authorization: Bearer.")
            try:
                return answer(request, context)
            except CoconetError as error:
                context.abort(CODES.get(status_of(error), CODES[FAILED]), str(error))
            except CancelledError:  # the client has gone, or its deadline is over
                context.abort(grpc.StatusCode.CANCELLED, "Nobody waits any more.")
            except Exception as error:
                self._log.note("grpc failed", error=locate_error(error))
                context.abort(CODES[FAILED], "The server failed; its log says where.")

        return guarded

    def _model_ready(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            self._served.check_name(request.name, request.version)
        except Unknown:  # as Triton answers; over HTTP an unknown one is a 4xx
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=self._served.queue.running)

    def _model_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._served.check_name(request.name, request.version)
        return to_message("ModelMetadataResponse", self._served.metadata)

    def _model_config(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._served.check_name(request.name, request.version)
        return to_message("ModelConfigResponse", {"config": self._served.config})

    def _infer(self, request: InferMessage, context: grpc.ServicerContext) -> bytes:
        begun_s, status = time.monotonic(), FAILED
        try:
            self._served.check_name(request.fields.model_name, request.fields.model_version)
            wanted = read_infer(request, self._served.spec, self._served.largest)
            waits = self._served.submit(wanted, context.time_remaining())
            if not context.add_callback(waits.cancel):
                waits.cancel()
            answer = infer_answer(self._served.name, VERSION, wanted, FUSED, waits.result()[None])
            status = 200
        except CoconetError as error:
            status = status_of(error)
            raise
        except CancelledError:
            status = _GONE
            raise
        finally:
            self._served.metrics.note_answer(status, time.monotonic() - begun_s)
        return answer
