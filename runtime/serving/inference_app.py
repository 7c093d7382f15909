"""The Open Inference Protocol over HTTP: what is served, whether it is ready, and fused pictures for pairs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from coconet.cards.model_card import FUSED
from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.serving.protocol.inference_error import FAILED, InferenceError, Unavailable, Unknown, status_of
from coconet.runtime.serving.protocol.tensor_reading import BYTES
from coconet.runtime.serving.protocol.wire import (
    HEADER_LENGTH,
    InferenceRequest,
    Packed,
    pack_answer,
    read_request,
)
from coconet.runtime.serving.served import SERVER, VERSION, Served
from coconet.runtime.serving.whole_body import whole_body
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
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingPackage("starlette", job="serving models", extra="web") from error


Result = TypeVar("Result")


def inference_app(served: Served, access: Access) -> ASGIApp:
    """Build the ASGI app."""
    answers = _Answers(served)
    models = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    routes = [
        Route("/v2", answers.server),
        Route("/v2/health/live", answers.live),
        Route("/v2/health/ready", answers.ready),
        Route("/metrics", answers.metrics),
        # Before the models, but for one of this name.
        *([] if served.name == "stats" else [Route("/v2/models/stats", answers.statistics)]),
        *(Route(path, answers.model) for path in models),
        *(Route(f"{path}/stats", answers.statistics) for path in models),
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
        max_body_size=served.largest,
    )
    app.router.redirect_slashes = False
    return _JsonErrors(OneLineErrors(app), served.largest)


_BYTES, _HEAD = f'"{BYTES}"'.encode(), 4096


class _Answers:
    """What can be asked by HTTP."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def server(self, request: Request) -> Response:
        """Tell what serves."""
        return Json(SERVER)

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
        return Json(self._served.metadata)

    async def model_ready(self, request: Request) -> Response:
        """Say whether the model fuses."""
        self._check_model(request)
        return await self.ready(request)

    async def config(self, request: Request) -> Response:
        """Tell the configuration that the model has in a repository, with its card."""
        self._check_model(request)
        return Json(self._served.config)

    async def statistics(self, request: Request) -> Response:
        """Say that there are none; Triton's client asks for those of one model, or of all."""
        if "model" in request.path_params:
            self._check_model(request)
        raise Unknown(
            "statistics",
            wanted="the counts at /metrics",
            got="statistics as Triton has them",
            remedy="Read the counts at /metrics instead.",
            says="are not served here",
        )

    async def infer(self, request: Request) -> Response:
        """Fuse a pair."""
        begun_s = time.monotonic()
        status = FAILED
        try:
            packed = await self._inferred(request)
            status = 200
        except CoconetError as error:
            status = status_of(error)
            raise
        except HTTPException as error:
            status = error.status_code
            raise
        except ClientDisconnect:
            status = 499  # as proxies count who did not wait
            raise
        finally:
            self._served.metrics.note_answer(status, time.monotonic() - begun_s)
        return _PartsResponse(packed)

    async def _inferred(self, request: Request) -> Packed:
        served = self._served
        self._check_model(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _Unread(
                "Content-Encoding",
                wanted="none",
                got="another one",
                remedy="Send the body as it is.",
                says="is not supported here",
            )
        body, length = await whole_body(request, served.largest), request.headers.get(HEADER_LENGTH)
        # JSON of a picture takes long to read and to write, as a JPEG does: others go on meanwhile.
        slow = length is None or _BYTES in bytes(body[:_HEAD])
        wanted = await _off_the_loop(slow, lambda: read_request(body, length, served.spec, served.largest))
        fused = await asyncio.wrap_future(served.submit(wanted))
        return await _off_the_loop(
            not wanted.binary or wanted.encoded is not None, lambda: self._packed(wanted, fused[None])
        )

    def _packed(self, wanted: InferenceRequest, fused: Any) -> Packed:
        return pack_answer(self._served.name, VERSION, wanted, {FUSED: fused})

    def _check_model(self, request: Request) -> None:
        self._served.check_name(request.path_params["model"], request.path_params.get("version", VERSION))


class _JsonErrors:
    """Whatever refuses a request, also before the app, says why as the protocol does: clients read it as JSON."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        """Stand before an app. largest: bytes of a body, for what refuses a larger one."""
        self._app = app
        self._too_large = (
            f"The request has more than {largest / 1e6:g} MB, the limit here. Send a smaller picture, in binary or as "
            "JPEG or PNG, or start the server with a higher --limit-mb."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        begun: dict[str, Any] | None = None
        said = b""

        async def send_as_json(message: Any) -> None:
            nonlocal begun, said
            if message["type"] == "http.response.start" and message["status"] >= 400:
                begun = message if message["status"] == 413 or _is_plain(message["headers"]) else None
            if begun is None:
                await send(message)
                return
            said += message.get("body", b"")
            if message["type"] == "http.response.start" or message.get("more_body", False):
                return
            why = self._too_large if begun["status"] == 413 else said.decode(errors="replace").strip()
            answer = Json({"error": why}, begun["status"])
            kept = [one for one in begun["headers"] if one[0].lower() not in (b"content-type", b"content-length")]
            await send({**begun, "headers": [*kept, *answer.raw_headers]})
            await send({"type": "http.response.body", "body": answer.body})

        await self._app(scope, receive, send_as_json)


def _is_plain(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/plain") for name, value in headers)


class _PartsResponse(Response):
    """An answer whose parts are sent one after the other, without being laid together."""

    def __init__(self, packed: Packed) -> None:
        super().__init__(headers={**packed.headers, "Content-Length": str(packed.size)})
        self._parts = packed.parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Unread(InferenceError):
    status = 415


async def _off_the_loop(slow: bool, work: Callable[[], Result]) -> Result:
    return await run_in_threadpool(work) if slow else work()


async def _refused(request: Request, error: Exception) -> Response:
    headers = {"Retry-After": "1"} if isinstance(error, Unavailable) else None
    return Json({"error": str(error)}, status_of(error), headers)


async def _error_response(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return Json({"error": ""}, FAILED)
    headers, detail = error.headers or {}, error.detail
    if error.status_code == 405:
        methods = ", ".join(sorted(headers.get("Allow", "").split(", ")))
        detail = f"{request.method} is not answered at this address. Use {methods or 'another method'}."
    elif error.status_code == 404:
        detail = "There is nothing at this address. Pairs are sent by POST to /v2/models/MODEL/infer."
    return Json({"error": detail}, error.status_code, dict(headers))


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _failed(request: Request, error: Exception) -> Response:
    return Json({"error": "The server failed; its log says where."}, FAILED)
