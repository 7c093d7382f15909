"""The Open Inference Protocol over HTTP: what is served, whether it is ready, and fused pictures for pairs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from coconet import __version__
from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, ModelCard
from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.frame_check import adapt_frames
from coconet.runtime.serving.fusion_queue import FusionQueue
from coconet.runtime.serving.model_config import Instances, model_config
from coconet.runtime.serving.serving_metrics import ServingMetrics
from coconet.runtime.serving.tensor_spec import ModelSpec, TensorSpec, spec_of
from coconet.runtime.serving.wire import (
    HEADER_LENGTH,
    InferenceError,
    InferenceRequest,
    Packed,
    Unavailable,
    pack_answer,
    read_request,
)
from coconet.runtime.viewers.auth import Access, AccessMiddleware
from coconet.runtime.viewers.web_app import Json, OneLineErrors

try:
    from prometheus_client.exposition import CONTENT_TYPE_LATEST
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp
except ImportError as error:
    raise MissingPackage("starlette", job="serving models", extra="web") from error


Result = TypeVar("Result")

VERSION = "1"
"""The only version of the model that is served."""

_NOT_FOUND, _UNSUPPORTED, _FAILED = 404, 415, 500


@dataclass(frozen=True)
class Served:
    """A model as it is served. name: in addresses. card: what it expects."""

    name: str
    card: ModelCard
    queue: FusionQueue
    metrics: ServingMetrics

    @property
    def spec(self) -> ModelSpec:
        """What a request holds: always one pair, whatever the batch of the graph."""
        return spec_of(self.card)


def inference_app(served: Served, access: Access, largest_body: int) -> ASGIApp:
    """Build the ASGI app. largest_body: bytes of a request."""
    answers = _Answers(served)
    models = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    routes = [
        Route("/v2", answers.server),
        Route("/v2/health/live", answers.live),
        Route("/v2/health/ready", answers.ready),
        Route("/metrics", answers.metrics),
        *(Route(path, answers.model) for path in models),
        *(Route(f"{path}/ready", answers.model_ready) for path in models),
        *(Route(f"{path}/config", answers.config) for path in models),
        *(Route(f"{path}/infer", answers.infer, methods=["POST"]) for path in models),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessMiddleware, access=access)],
        exception_handlers={
            CoconetError: _refused,
            HTTPException: _error_response,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
        max_body_size=largest_body,
    )
    app.router.redirect_slashes = False
    return OneLineErrors(app)


class _Answers:
    """What can be asked by HTTP."""

    def __init__(self, served: Served) -> None:
        self._served, self._spec = served, served.spec
        self._config = model_config(served.name, served.card, "onnx", Instances())

    async def server(self, request: Request) -> Response:
        """Tell what serves."""
        extensions = ["binary_tensor_data", "model_configuration"]
        return Json({"name": "coconet-edge", "version": __version__, "extensions": extensions})

    async def live(self, request: Request) -> Response:
        """Answer at all."""
        return PlainTextResponse("live\n")

    async def ready(self, request: Request) -> Response:
        """Say whether pairs are fused."""
        return PlainTextResponse("ready\n") if self._served.queue.running else PlainTextResponse("ended\n", 503)

    async def metrics(self, request: Request) -> Response:
        """Tell the counts."""
        return Response(self._served.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def model(self, request: Request) -> Response:
        """Tell what the model takes and gives."""
        self._check_model(request)
        tensors = {"inputs": self._spec.inputs, "outputs": self._spec.outputs}
        told: dict[str, Any] = {group: [_tensor_json(one) for one in found] for group, found in tensors.items()}
        return Json({"name": self._served.name, "versions": [VERSION], "platform": "coconet-edge", **told})

    async def model_ready(self, request: Request) -> Response:
        """Say whether the model fuses."""
        self._check_model(request)
        return await self.ready(request)

    async def config(self, request: Request) -> Response:
        """Tell the configuration that the model has in a repository, with its card."""
        self._check_model(request)
        return Json(self._config)

    async def infer(self, request: Request) -> Response:
        """Fuse a pair."""
        begun_s = time.monotonic()
        status = _FAILED
        try:
            packed = await self._inferred(request)
            status = 200
        except CoconetError as error:
            status = _status(error)
            raise
        except ClientDisconnect:
            status = 499  # as proxies count who did not wait
            raise
        finally:
            self._served.metrics.note_answer(status, time.monotonic() - begun_s)
        return Response(packed.body, headers=dict(packed.headers))

    async def _inferred(self, request: Request) -> Packed:
        served = self._served
        self._check_model(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _Unread("Content-Encoding", wanted="none", got="another one", remedy="Send the body as it is.")
        body, length = await request.body(), request.headers.get(HEADER_LENGTH)
        # JSON of a picture takes long to read and to write: others go on meanwhile.
        wanted = await _off_the_loop(length is None, lambda: read_request(body, length, self._spec))
        visible, infrared = (wanted.tensors[name][0] for name in (VISIBLE, INFRARED))
        try:
            adapt_frames(served.card, served.name, visible, infrared)
        except CoconetError as error:
            raise InferenceError(error.where, wanted=error.wanted, got=error.got, remedy=error.remedy) from None
        fused = await asyncio.wrap_future(served.queue.submit((visible, infrared), wanted.timeout_s))
        return await _off_the_loop(not wanted.binary, lambda: self._packed(wanted, fused[None]))

    def _packed(self, wanted: InferenceRequest, fused: Any) -> Packed:
        return pack_answer(self._served.name, VERSION, wanted, {FUSED: fused})

    def _check_model(self, request: Request) -> None:
        model, version = request.path_params["model"], request.path_params.get("version", VERSION)
        if model != self._served.name:
            raise _Unknown("model", wanted=self._served.name, got=model[:60], remedy="Correct the address.")
        if version != VERSION:
            raise _Unknown("version", wanted=VERSION, got=version[:60], remedy="Correct the address.")


class _Unknown(InferenceError):
    status = _NOT_FOUND


class _Unread(InferenceError):
    status = _UNSUPPORTED


async def _off_the_loop(slow: bool, work: Callable[[], Result]) -> Result:
    return await run_in_threadpool(work) if slow else work()


def _tensor_json(tensor: TensorSpec) -> Mapping[str, Any]:
    return {"name": tensor.name, "datatype": tensor.data_type, "shape": list(tensor.shape)}


def _status(error: Exception) -> int:
    """The status of an error; what a backend refuses that was held against the card is a fault of the server."""
    return error.status if isinstance(error, InferenceError) else _FAILED


async def _refused(request: Request, error: Exception) -> Response:
    headers = {"Retry-After": "1"} if isinstance(error, Unavailable) else None
    return Json({"error": str(error)}, _status(error), headers)


async def _error_response(request: Request, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (_FAILED, "")
    return Json({"error": detail}, status)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _failed(request: Request, error: Exception) -> Response:
    return Json({"error": "The server failed; its log says where."}, _FAILED)
