"""Routes to what was kept of a run: the list, small pictures, and the files themselves."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from coconet.errors import MissingPackage
from coconet.runtime.viewers.captures.capture_folder import NAME, CaptureFolder
from coconet.runtime.viewers.rate_limit import RateLimit, TooOften

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import BaseRoute, Mount, Route
    from starlette.staticfiles import StaticFiles
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


def capture_routes(folder: Path) -> list[BaseRoute]:
    """Make the routes /captures (the list), /thumbnails/NAME (small, JPEG) and /captures/NAME (whole).

    Files of other names than those that the page writes are not given, whatever else lies in the folder.
    """
    captures, listing = CaptureFolder(folder), RateLimit(20, 0.5)

    async def listed(request: Request) -> Response:
        if not listing.take():
            raise TooOften(
                "captures",
                wanted="fewer lists",
                got="too many at once",
                remedy="Wait a few seconds.",
                says="were listed too often",
            )
        return JSONResponse(dataclasses.asdict(await run_in_threadpool(captures.newest)))

    async def small(request: Request) -> Response:
        return Response(
            await run_in_threadpool(captures.thumbnail, request.path_params["name"]), media_type="image/jpeg"
        )

    return [
        Route("/captures", listed, methods=["GET"]),
        Route("/thumbnails/{name}", small, methods=["GET"]),
        Mount("/captures", _CaptureFiles(directory=folder, check_dir=False)),
    ]


class _CaptureFiles(StaticFiles):
    """Files of a folder that is made with the first of them; before that none is found, which is no fault."""

    async def check_config(self) -> None:
        """Look at the folder once it is there."""
        if self.directory is not None and Path(self.directory).is_dir():
            await super().check_config()

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file of a name that this page gives."""
        return super().lookup_path(path) if NAME.fullmatch(path) else ("", None)
