"""The live page's server: pages, pictures, figures and settings over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.event_log import log_event
from coconet.runtime.clock import pair_monotonic_ns
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.look import Look
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.viewers.auth import MAY_CHANGE, Access, AccessMiddleware, client_address, cookie_name
from coconet.runtime.viewers.captures.capture_routes import capture_routes
from coconet.runtime.viewers.latest_frame import Jpegs, LatestFrame, LatestFrameClosed, NumberedFrame
from coconet.runtime.viewers.look_routes import look_routes, looks_of
from coconet.runtime.viewers.rate_limit import QuietLog, TooOften, locate_error
from coconet.runtime.viewers.snapshots import Captures

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket, WebSocketDisconnect
except ImportError as error:
    raise MissingPackage("starlette", job="answering over HTTP", extra="web") from error


PAGE = Path(__file__).parent / "page"

MAX_VIEWERS = 32

LARGEST_BODY = 16 * 1024
"""Bytes of a request; settings take one thousand."""

_PATIENCE_S = 5.0  # for a body to arrive, and for a new picture before the answer is that there is none

_EVENTS_S = 0.2  # between two looks for events: too short to be noticed

_BEGINNINGS = ("http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start")


@dataclass(frozen=True)
class LiveView:
    """What the page shows: the figures of a run, its newest frame, its pictures as JPEG, and what is kept of it."""

    gauge: RunStats
    board: LatestFrame
    jpegs: Jpegs
    captures: Captures


def live_app(view: LiveView, access: Access, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Build the ASGI app of the live page. more: routes beside the page's own."""
    actions, sessions = _Actions(view, access), _ViewerSessions(view)
    routes: list[BaseRoute] = [
        Route("/", _file("index.html")),
        Route("/login", _file("login.html"), methods=["GET"]),
        Route("/login", actions.login, methods=["POST"]),
        Route("/vitals", actions.vitals),
        Route("/snapshot", actions.snapshot, methods=["POST"]),
        Route("/recording", actions.recording, methods=["POST"]),
        WebSocketRoute("/watch", sessions.watch),
        WebSocketRoute("/events", sessions.listen),
        Mount("/static", StaticFiles(directory=PAGE)),
        *capture_routes(view.captures.folder),
        *look_routes(view.jpegs.renderer),
        *more,
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessMiddleware, access=access, login="login")],
        exception_handlers={CoconetError: _refused, ClientDisconnect: _gone},
        max_body_size=LARGEST_BODY,
    )
    app.router.redirect_slashes = False  # it would lead to an address without the prefix of a proxy
    return OneLineErrors(app)


async def fields_of(request: Request) -> dict[str, Any]:
    """Read the JSON object of a request. Raises CoconetError for anything else, and for one that takes its time."""
    try:
        fields = json.loads(await asyncio.wait_for(request.body(), _PATIENCE_S), parse_constant=_no_number)
    except (ValueError, RecursionError, asyncio.TimeoutError):
        fields = None
    if not isinstance(fields, dict):
        raise CoconetError(
            "request",
            wanted="a JSON object",
            got="something else",
            remedy="Send a JSON object.",
            says="is not a JSON object",
        )
    return fields


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


class Json(JSONResponse):
    """JSON in ASCII: what was posted comes back in errors, and may hold what UTF-8 has no bytes for."""

    def render(self, content: Any) -> bytes:
        """Write JSON."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class _Actions:
    """What can be asked by HTTP."""

    def __init__(self, view: LiveView, access: Access) -> None:
        self._view, self._access, self._log = view, access, QuietLog()

    async def login(self, request: Request) -> Response:
        """Give a cookie in exchange for the token."""
        session = self._access.session_for(str((await fields_of(request)).get("token", "")))
        if session is None:
            self._log.note("refused", who=client_address(request.scope), status=401)
            return Json({"error": "This is not the token."}, 401)
        answer = Json({})
        # Without a path the cookie is for where the page is, also under the prefix of a proxy.
        safe = request.headers.get("origin", "").startswith("https://")
        name = cookie_name(request.headers)
        answer.set_cookie(name, session, path=None, secure=safe, httponly=True, samesite="strict")
        return answer

    async def vitals(self, request: Request) -> Response:
        """Tell the figures of the run."""
        vitals, recording = self._view.gauge.vitals(), self._view.captures.recording
        alarms = self._view.gauge.alarms
        return JSONResponse(
            {
                "vitals": None if vitals is None else dataclasses.asdict(vitals),
                "recording": None if recording is None else dataclasses.asdict(recording),
                "alarms": None if alarms is None else alarms.as_dict(),
            }
        )

    async def snapshot(self, request: Request) -> Response:
        """Keep the newest frame."""
        posted = self._view.board.newest
        if posted is None:
            raise CoconetError(
                "snapshot",
                wanted="a fused frame",
                got="none yet",
                remedy="Wait until the cameras give frames.",
                says="cannot be taken yet: no frame has been fused",
            )
        files = await run_in_threadpool(self._view.captures.snapshot, posted.frame)
        audit(request, "snapshot", files=files)
        return Json({"files": files})

    async def recording(self, request: Request) -> Response:
        """Begin or finish a recording."""
        captures = self._view.captures
        fields = await fields_of(request)
        if fields.keys() != {"on"} or not isinstance(on := fields["on"], bool):  # it must not end what is on by mistake
            raise CoconetError(
                "recording",
                wanted='{"on": true} or false',
                got="something else",
                remedy="Send one of the two.",
                says='must be asked for by {"on": true} or {"on": false}',
            )
        state = await run_in_threadpool(captures.start if on else captures.stop)
        if state is not None:
            audit(request, "recording", on=on, file=state.name)
        return Json(None if state is None else dataclasses.asdict(state))


class _ViewerSessions:
    """All viewers. Each gets one message for each wish, so that a slow one gets few and delays no other."""

    def __init__(self, view: LiveView) -> None:
        self._view, self._viewers = view, 0

    async def watch(self, socket: WebSocket) -> None:
        """Serve one viewer until it leaves."""
        await self._one(socket, self._serve)

    async def listen(self, socket: WebSocket) -> None:
        """Send every alarm event, as a text of JSON, from the last ones on, until the listener leaves."""
        await self._one(socket, self._send_events)

    async def _one(self, socket: WebSocket, serve: Callable[[WebSocket], Awaitable[None]]) -> None:
        await socket.accept()
        if self._viewers >= MAX_VIEWERS:
            await socket.close(1013, "Too many viewers.")
            return
        self._viewers += 1
        try:
            await serve(socket)
        except WebSocketDisconnect:
            pass
        except LatestFrameClosed as end:
            await socket.close(1000, str(end))
        except (CoconetError, KeyError):  # a wish that is none; KeyError: bytes instead of text
            await socket.close(1003, "Not a wish.")
        finally:
            self._viewers -= 1

    async def _send_events(self, socket: WebSocket) -> None:
        serial = 0
        while True:
            alarms = self._view.gauge.alarms
            for event in () if alarms is None else alarms.events(serial):
                await socket.send_text(event.to_json())
                serial = event.serial
            self._view.board.check_open()  # after the events, as the last ones come with the end
            with suppress(asyncio.TimeoutError):
                if (await asyncio.wait_for(socket.receive(), _EVENTS_S))["type"] == "websocket.disconnect":
                    return

    async def _serve(self, socket: WebSocket) -> None:
        serial = 0
        while True:
            looks = looks_of(await self._wish_of(socket), self._view.jpegs.renderer)
            try:
                posted = await asyncio.wait_for(self._view.board.newer_than(serial), _PATIENCE_S)
            except asyncio.TimeoutError:
                await socket.send_bytes(pack_message({"serial": serial}, []))
                continue
            serial = posted.serial
            # Shielded: a viewer that leaves must not cancel the picture of the others.
            waits = [asyncio.shield(asyncio.wrap_future(self._view.jpegs.of(posted, look))) for look in looks]
            await socket.send_bytes(pack_message(_label(posted, looks), await asyncio.gather(*waits)))

    async def _wish_of(self, socket: WebSocket) -> str:
        """Wait for a wish; a viewer that has none at the moment hears of the end as well."""
        wish = asyncio.ensure_future(socket.receive_text())
        end = asyncio.ensure_future(self._view.board.closing())
        try:
            await asyncio.wait((wish, end), return_when=asyncio.FIRST_COMPLETED)
            return wish.result() if wish.done() else await end
        finally:
            for task in (wish, end):
                if not task.cancel() and not task.cancelled():
                    task.exception()  # taken notice of: that of the other one is raised


def pack_message(label: dict[str, Any], pictures: Sequence[bytes]) -> bytes:
    """Make one message: four bytes with the length of the label, the label as JSON, and the pictures one by one."""
    head = json.dumps({**label, "bytes": [len(picture) for picture in pictures]}).encode()
    return b"".join((len(head).to_bytes(4, "big"), head, *pictures))


def _label(posted: NumberedFrame, looks: Sequence[Look]) -> dict[str, Any]:
    pair = posted.frame.pair
    live = posted.frame.capture_to_fused_ms is not None
    return {
        "serial": posted.serial,
        "views": [look.show for look in looks],
        "skew_ms": None if pair.missing else round(pair.skew_ns / 1e6, 2),
        "age_ms": round((time.monotonic_ns() - pair_monotonic_ns(pair)) / 1e6, 1) if live else None,
        "notice": pair.notice,
        "size_px": [pair.visible.pixels.shape[1], pair.visible.pixels.shape[0]],
    }


def _file(name: str) -> Callable[[Request], Response]:
    return lambda request: FileResponse(PAGE / name)


async def _refused(request: Request, error: Exception) -> Response:
    return Json({"error": str(error)}, 429 if isinstance(error, TooOften) else 400)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # the connection is gone


class OneLineErrors:
    """ASGI middleware around everything: an unexpected error is one line of the log at most, and an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._log = app, QuietLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] in _BEGINNINGS
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            self._log.note("page failed", who=client_address(scope), error=locate_error(error))
            if scope["type"] == "http" and not begun:
                await PlainTextResponse("The page failed; the log says where.", 500)(scope, receive, send)
            elif scope["type"] == "websocket":
                with suppress(Exception):  # it may be what has failed
                    await send({"type": "websocket.close", "code": 1011})


def tuning_routes(tuner: AdjustableRig, board: LatestFrame | None = None) -> list[BaseRoute]:
    """Make the routes /settings and /meters (GET, and POST with what changes) and /settings/save.

    board: has the frame that says where in the visible picture meters are shown.
    What does not fit answers 400.
    """

    async def settings_answer(request: Request) -> Response:
        file, may_change = tuner.file, _may_change(request)
        name = None if file is None or not may_change else file.name
        return Json({"settings": tuner.settings(), "file": name, "may_change": may_change})

    async def change(request: Request) -> Response:
        changes = await fields_of(request)
        await run_in_threadpool(tuner.change, changes)
        now = tuner.settings()
        audit(
            request,
            "settings",
            values={table: {key: now[table][key] for key in keys} for table, keys in changes.items()},
        )
        return await settings_answer(request)

    async def meters(request: Request) -> Response:
        rig = tuner.rig
        told = [one.model_dump(mode="json", exclude_defaults=True) for one in rig.meter]
        measures, may_change = rig.infrared.temperature is not None, _may_change(request)
        shown = _placed_px(rig.meter, None if board is None else board.newest)
        return Json({"meters": told, "measures": measures, "may_change": may_change, "shown_px": shown})

    async def change_meters(request: Request) -> Response:
        wanted = (await fields_of(request)).get("meters")
        if not (isinstance(wanted, list) and all(isinstance(one, dict) for one in wanted)):
            raise CoconetError(
                "meters",
                wanted="a list of tables",
                got="something else",
                remedy="Send one.",
                says="must be a list of tables",
            )
        await run_in_threadpool(tuner.change_meters, wanted)
        audit(request, "meters", names=[one.name for one in tuner.rig.meter])
        return await meters(request)

    async def save(request: Request) -> Response:
        path = await run_in_threadpool(tuner.save)
        audit(request, "settings saved", file=path.name)
        return Json({"file": path.name})

    return [
        Route("/settings", settings_answer, methods=["GET"]),
        Route("/settings", change, methods=["POST"]),
        Route("/settings/save", save, methods=["POST"]),
        Route("/meters", meters, methods=["GET"]),
        Route("/meters", change_meters, methods=["POST"]),
    ]


def _placed_px(meters: Sequence[MeterTable], posted: NumberedFrame | None) -> list[list[list[float]] | None]:
    """Where in the visible picture the points of each meter are shown; None while that is not known."""
    heat = None if posted is None else posted.frame.pair.heat
    placing = None if heat is None else heat.placing
    found: list[list[list[float]] | None] = []
    for meter in meters:
        if meter.pixels == "visible":
            found.append([list(point) for point in meter.points_px])
        elif placing is None or not meter.points_px:
            found.append(None)
        else:
            points = placing.in_visible(meter.points_px)
            found.append(points.round(2).tolist() if np.isfinite(points).all() else None)
    return found


def audit(request: Request, what: str, **fields: Any) -> None:
    """Log a change and the address that asked for it; never a token."""
    log_event("change", who=client_address(request.scope), what=what, **fields)


def _may_change(request: Request) -> bool:
    return bool(request.scope.get("state", {}).get(MAY_CHANGE, False))
