"""The settings of a running rig by HTTP: read, changed, saved."""

from __future__ import annotations

from coconet.errors import MissingPackage
from runtime.tuner import Tuner
from runtime.web import fields_of

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import BaseRoute, Route
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


def tuning_routes(tuner: Tuner) -> list[BaseRoute]:
    """Make the routes /settings (GET, and POST with what changes) and /settings/save; what does not fit answers 400."""

    async def told(request: Request) -> Response:
        return JSONResponse({"settings": tuner.settings(), "file": None if tuner.file is None else tuner.file.name})

    async def change(request: Request) -> Response:
        await run_in_threadpool(tuner.change, await fields_of(request))
        return await told(request)

    async def save(request: Request) -> Response:
        path = await run_in_threadpool(tuner.save)
        return JSONResponse({"file": path.name})

    return [
        Route("/settings", told, methods=["GET"]),
        Route("/settings", change, methods=["POST"]),
        Route("/settings/save", save, methods=["POST"]),
    ]
