"""The live page of a run: opened beside it, told of every frame, closed after it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.event_log import log_event
from coconet.media.encoding.encoder import EncoderName
from coconet.runtime.cameras.open_camera import is_recorded
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.viewers.snapshots import CAPTURES, Captures, check_capture_folder


@dataclass(frozen=True)
class PageSettings:
    """Where the page is and who may see it.

    host, port: this machine only unless told otherwise; port 0 takes any that is free. token: what a viewer from
    elsewhere has to know. captures: the folder for snapshots and recordings. view_token: what lets one watch only.
    encoder: what encodes recordings, as EncoderChoice takes it.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    captures: Path = CAPTURES
    view_token: str | None = None
    reserve_mb: float | None = None
    encoder: EncoderName = "auto"


class LivePage:
    """A context manager that serves the page of a run inside its block. url: where, once it is open."""

    def __init__(
        self,
        gauge: RunStats,
        settings: PageSettings | None = None,
        tuner: AdjustableRig | None = None,
        on_open: Callable[[str], None] | None = None,
        stop: Event | None = None,
    ) -> None:
        """Prepare the page of the run that tells `gauge`.

        tuner: what settings change; its rig has the palettes. on_open: told the address once it is there. stop: set if
        the run is stopped.

        Raises CoconetError for settings that are not safe.
        """
        from coconet.runtime.drawing.open_renderer import open_renderer
        from coconet.runtime.loop.liveness import LivenessCheck
        from coconet.runtime.viewers.auth import Access
        from coconet.runtime.viewers.latest_frame import Jpegs, LatestFrame
        from coconet.runtime.viewers.probe_routes import probe_routes
        from coconet.runtime.viewers.web_app import LiveView, live_app, tuning_routes
        from coconet.runtime.viewers.web_server import WebServer

        settings = settings or PageSettings()
        check_capture_folder(settings.captures)
        captures = Captures(settings.captures, reserve_mb=settings.reserve_mb, encoder=settings.encoder)
        board = LatestFrame(lambda: () if gauge.alarms is None else gauge.alarms.active())
        self.view = LiveView(gauge, board, Jpegs(None if tuner is None else open_renderer(tuner.rig)), captures)
        routes = [*probe_routes(gauge, LivenessCheck(gauge)), *([] if tuner is None else tuning_routes(tuner, board))]
        app = live_app(self.view, Access(settings.host, settings.token, settings.view_token), routes)
        self._server = WebServer(app, settings.host, settings.port)
        self._on_open, self._exit = on_open, ExitStack()
        self._stop, self._tuner = stop, tuner

    @property
    def url(self) -> str:
        """The address to open in a browser; no secret is in it."""
        return self._server.url

    def __enter__(self) -> LivePage:
        with ExitStack() as stack:
            stack.callback(self.view.jpegs.close)
            stack.callback(self._finish_recording)
            with ending_with(ExitCode.PAGE):
                stack.enter_context(self._server)
            self._exit = stack.pop_all()
        self.view.gauge.on_frame(self.view.board.post)
        self.view.gauge.on_frame(self.view.captures.note)
        if self._on_open is not None:
            self._on_open(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.view.board.close("The run ended with an error, which its log names." if kind else self._why_ended())
        self._exit.close()

    def _why_ended(self) -> str:
        if self._stop is not None and self._stop.is_set():
            return "The run was stopped."
        rig = None if self._tuner is None else self._tuner.rig
        recorded = rig is not None and is_recorded(rig.visible.address) and is_recorded(rig.infrared.address)
        return "The recording has ended." if recorded else "The run has ended."

    def _finish_recording(self) -> None:
        try:
            self.view.captures.stop()
        except CoconetError as error:  # what the run came to is said all the same
            log_event("recording", level=logging.ERROR, error=str(error))
