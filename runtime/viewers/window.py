"""A window with the fused stream, where this machine has a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from threading import Event
from typing import TYPE_CHECKING

from coconet.errors import CoconetError, MissingPackage
from coconet.installation.remedy import exchange_command
from coconet.runtime.badge import add_alarms
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.threads.background import Background
from coconet.runtime.view import COLOURS, VIEWS, ViewSettings
from coconet.runtime.view_renderer import render_view

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="showing a window", extra="window") from error


_TITLE = "coconet"

_WAIT_MS = 15

_END_KEYS = (ord("q"), 27)  # 27 is Escape


class LiveWindow(Background):
    """A context manager that shows the newest frame inside its block.

    Keys: 1 to 4 choose the view, c the colours of the infrared picture, m shows or hides the meters, q or Escape end
    the run as Ctrl-C does.
    """

    def __init__(self, gauge: RunStats, look: ViewSettings, stop: Event) -> None:
        """Prepare to show the run that `gauge` records. look: at first. stop: set at the end of the window.

        Raises CoconetError if there can be no window here.
        """
        check_window(os.environ, cv2.getBuildInformation())
        super().__init__(self._show, "window", stop.set)  # a window that fails ends the run as well
        self._gauge, self._newest, self._look = gauge, None, look

    _newest: FusedFrame | None

    def __enter__(self) -> Self:
        self._gauge.on_frame(self._note)
        return super().__enter__()

    def _alarms_on(self) -> tuple[str, ...]:
        alarms = self._gauge.alarms
        return () if alarms is None else alarms.active()

    def _note(self, frame: FusedFrame) -> None:
        self._newest = frame

    def _show(self) -> None:
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        last: tuple[FusedFrame, ViewSettings] | None = None
        while not self.stopping.is_set():
            frame = self._newest
            if frame is not None and last is None:
                cv2.resizeWindow(_TITLE, frame.pixels.shape[1], frame.pixels.shape[0])
            if frame is not None and (last is None or last[0] is not frame or last[1] != self._look):
                cv2.imshow(_TITLE, add_alarms(render_view(frame, self._look), self._alarms_on()))
                last = frame, self._look
            key = cv2.waitKey(_WAIT_MS) & 0xFF
            if key in _END_KEYS:
                break
            self._look = view_for_key(key, self._look)
        cv2.destroyAllWindows()


def view_for_key(key: int, look: ViewSettings) -> ViewSettings:
    """Give the look that a key chooses; any other key leaves it as it is."""
    if ord("1") <= key < ord("1") + len(VIEWS):
        return ViewSettings(VIEWS[key - ord("1")], meters=look.meters)
    if key == ord("m"):
        return ViewSettings(look.view, look.colours, not look.meters)
    if key == ord("c"):
        after = COLOURS[(COLOURS.index(look.colours) + 1) % len(COLOURS)]
        return ViewSettings("infrared", after, look.meters)
    return look


def check_window(environment: Mapping[str, str], build: str) -> None:
    """Refuse an OpenCV without windows, by what it says of its build, and a machine without a display."""
    told = [line.split(":", 1)[1].strip() for line in build.splitlines() if line.strip().startswith("GUI:")]
    if told and told[0] in ("", "NONE"):
        raise CoconetError(
            "--view window",
            wanted="OpenCV with windows",
            got="the build without",
            remedy=f"Use --view web, or exchange it: {exchange_command(['opencv-python-headless'], 'window')}",
        )
    if sys.platform == "linux" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise CoconetError(
            "--view window", wanted="a display", got="none", remedy="Use --view web, or set DISPLAY to one."
        )
