"""The live page's server: pages, pictures, figures and settings over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.loop.run_stats import Gauge
from coconet.runtime.rig.live_settings import Tuner
from coconet.runtime.view import Look
from coconet.runtime.viewers.auth import COOKIE, Access, Doorman
from coconet.runtime.viewers.latest_frame import Board, BoardClosed, Jpegs, Posted
from coconet.runtime.viewers.snapshots import Captures

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.datastructures import MutableHeaders
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket, WebSocketDisconnect
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import BaseRoute, Route
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


PAGE = Path(__file__).parent / "page"

MAX_VIEWERS = 32

LARGEST_BODY = 16 * 1024
"""Bytes of a request; settings take one thousand."""

_PATIENCE_S = 5.0  # for a body to arrive, and for a new picture before a viewer is told that there is none

_MOST_LOOKS = 2  # the two sides of the split view

_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class LiveView:
    """What the page shows: the figures of a run, its newest frame, its pictures as JPEG, and what is kept of it."""

    gauge: Gauge
    board: Board
    jpegs: Jpegs
    captures: Captures


def live_app(view: LiveView, access: Access, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Build the ASGI app of the live page. more: routes beside the page's own."""
    actions = _Actions(view, access)
    routes: list[BaseRoute] = [
        Route("/", _file("index.html")),
        Route("/login", _file("login.html"), methods=["GET"]),
        Route("/login", actions.login, methods=["POST"]),
        Route("/vitals", actions.vitals),
        Route("/snapshot", actions.snapshot, methods=["POST"]),
        Route("/recording", actions.recording, methods=["POST"]),
        WebSocketRoute("/watch", _Audience(view).watch),
        Mount("/static", StaticFiles(directory=PAGE)),
        Mount("/captures", _Kept(directory=view.captures.folder, check_dir=False)),
        *more,
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(_SafeHeaders), Middleware(Doorman, access=access)],
        exception_handlers={CoconetError: _refused},
        max_body_size=LARGEST_BODY,
    )


async def fields_of(request: Request) -> dict[str, Any]:
    """Read the JSON object of a request. Raises CoconetError for anything else, and for one that takes its time."""
    try:
        fields = json.loads(await asyncio.wait_for(request.body(), _PATIENCE_S))
    except (ValueError, RecursionError, asyncio.TimeoutError):
        fields = None
    if not isinstance(fields, dict):
        raise CoconetError("request", wanted="a JSON object", got="something else", remedy="Send one.")
    return fields


class _Kept(StaticFiles):
    """Files of a folder that is made with the first of them; before that none is found, which is no fault."""

    async def check_config(self) -> None:
        """Look at the folder once it is there."""
        if self.directory is not None and Path(self.directory).is_dir():
            await super().check_config()


class _Actions:
    """What can be asked by HTTP."""

    def __init__(self, view: LiveView, access: Access) -> None:
        self._view, self._access = view, access

    async def login(self, request: Request) -> Response:
        """Give a cookie to who knows the token."""
        session = self._access.session_for(str((await fields_of(request)).get("token", "")))
        if session is None:
            return JSONResponse({"error": "This is not the token."}, 401)
        answer = JSONResponse({})
        answer.set_cookie(COOKIE, session, httponly=True, samesite="strict")
        return answer

    async def vitals(self, request: Request) -> Response:
        """Tell the figures of the run."""
        vitals, recording = self._view.gauge.vitals(), self._view.captures.recording
        return JSONResponse(
            {
                "vitals": None if vitals is None else dataclasses.asdict(vitals),
                "recording": None if recording is None else dataclasses.asdict(recording),
            }
        )

    async def snapshot(self, request: Request) -> Response:
        """Keep the newest frame."""
        posted = self._view.board.newest
        if posted is None:
            raise CoconetError("snapshot", wanted="a fused frame", got="none yet", remedy="Wait for the cameras.")
        return JSONResponse({"files": await run_in_threadpool(self._view.captures.snapshot, posted.frame)})

    async def recording(self, request: Request) -> Response:
        """Begin or finish a recording."""
        captures = self._view.captures
        act = captures.start if (await fields_of(request)).get("on") is True else captures.stop
        state = await run_in_threadpool(act)
        return JSONResponse(None if state is None else dataclasses.asdict(state))


class _Audience:
    """Everybody who watches. A viewer gets one message for each wish, so that a slow one gets few and delays nobody."""

    def __init__(self, view: LiveView) -> None:
        self._view, self._viewers = view, 0

    async def watch(self, socket: WebSocket) -> None:
        """Serve one viewer until it leaves."""
        await socket.accept()
        if self._viewers >= MAX_VIEWERS:
            await socket.close(1013, "Too many viewers.")
            return
        self._viewers += 1
        try:
            await self._serve(socket)
        except (WebSocketDisconnect, BoardClosed):  # the server says goodbye when it ends
            pass
        except (CoconetError, KeyError):  # a wish that is none; KeyError: bytes instead of text
            await socket.close(1003, "Not a wish.")
        finally:
            self._viewers -= 1

    async def _serve(self, socket: WebSocket) -> None:
        serial = 0
        while True:
            looks = looks_of(await socket.receive_text())
            try:
                posted = await asyncio.wait_for(self._view.board.newer_than(serial), _PATIENCE_S)
            except asyncio.TimeoutError:
                await socket.send_bytes(pack_message({"serial": serial}, []))
                continue
            serial = posted.serial
            # Shielded: one viewer who leaves must not call off the picture of the others.
            waits = [asyncio.shield(asyncio.wrap_future(self._view.jpegs.of(posted, look))) for look in looks]
            await socket.send_bytes(pack_message(_label(posted, looks), await asyncio.gather(*waits)))


def looks_of(wish: str) -> list[Look]:
    """Read a viewer's wish, {"looks": [{"view": ..., "colours": ...}]}. Raises CoconetError for what is none."""
    try:
        looks = [Look(**look) for look in json.loads(wish)["looks"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        looks = []
    if not 0 < len(looks) <= _MOST_LOOKS:
        raise CoconetError("wish", wanted="one or two looks", got="none or more", remedy="Send them as JSON.")
    return looks


def pack_message(label: dict[str, Any], pictures: Sequence[bytes]) -> bytes:
    """Make one message: four bytes with the length of the label, the label as JSON, and the pictures one by one."""
    head = json.dumps({**label, "bytes": [len(picture) for picture in pictures]}).encode()
    return b"".join((len(head).to_bytes(4, "big"), head, *pictures))


def _label(posted: Posted, looks: Sequence[Look]) -> dict[str, Any]:
    pair = posted.frame.pair
    live = posted.frame.capture_to_fused_ms is not None
    return {
        "serial": posted.serial,
        "views": [look.view for look in looks],
        "skew_ms": None if pair.missing else round(pair.skew_ns / 1e6, 2),
        "age_ms": round((time.monotonic_ns() - pair.timestamp_ns) / 1e6, 1) if live else None,
        "notice": pair.notice,
    }


def _file(name: str) -> Callable[[Request], Response]:
    return lambda request: FileResponse(PAGE / name)


async def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


class _SafeHeaders:
    """ASGI middleware that tells browsers to load nothing from elsewhere and to keep nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SAFE_HEADERS)
            await send(message)

        await self._app(scope, receive, careful)


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
