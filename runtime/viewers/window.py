"""A window with the fused stream, where this machine has a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

from coconet.errors import CoconetError, MissingPackage
from coconet.installation.remedy import exchange_command
from coconet.media.palettes.palette import SHOWN
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import OVERLAY_ITEMS, Look
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.threads.background import Background
from coconet.runtime.views.kinds import VIEWS

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="showing a window", extra="window") from error


_TITLE = "coconet"

_WAIT_MS = 15

_END_KEYS = (ord("q"), 27)  # 27 is Escape

_VIEW_KEYS = "1234567890"

_COLOUR_KEYS = ("c", "p", "b")

_FINER = {"+": 1, "=": 1, "-": -1}

_SHARE_STEP, _STRENGTH_STEP = 0.05, 0.25


class LiveWindow(Background):
    """A context manager that shows the newest frame inside its block.

    Keys: 1 to 9 and 0 choose the view, c the colours of the infrared picture, p their polarity, b the colour bar, + and
    - move the line of the split, blend, or change the strength of edges, o writes or hides the overlay, m the meters, q
    or Escape end the run as Ctrl-C does.
    """

    def __init__(self, gauge: RunStats, look: Look, stop: Event, renderer: Renderer | None = None) -> None:
        """Prepare to show the run that `gauge` records. look: at first. stop: set at the end of the window.

        renderer: draws what is shown.

        Raises CoconetError if there can be no window here.
        """
        check_window(os.environ, cv2.getBuildInformation())
        super().__init__(self._show, "window", stop.set)  # a window that fails ends the run as well
        self._gauge, self._newest, self._look = gauge, None, look
        self._renderer = renderer or Renderer()

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
        last: tuple[FusedFrame, Look] | None = None
        while not self.stopping.is_set():
            frame = self._newest
            if frame is not None and last is None:
                cv2.resizeWindow(_TITLE, frame.pixels.shape[1], frame.pixels.shape[0])
            if frame is not None and (last is None or last[0] is not frame or last[1] != self._look):
                cv2.imshow(_TITLE, self._renderer.draw(frame, self._look, self._alarms_on()))
                last = frame, self._look
            key = cv2.waitKey(_WAIT_MS) & 0xFF
            if key in _END_KEYS:
                break
            self._look = view_for_key(key, self._look, self._renderer.names())
        cv2.destroyAllWindows()


def view_for_key(key: int, look: Look, palettes: Sequence[str] = SHOWN) -> Look:
    """Give the look that a key chooses; any other key leaves it as it is. palettes: in the order of c."""
    letter = chr(key) if 0 < key < 128 else ""
    if letter and letter in _VIEW_KEYS[: len(VIEWS)]:
        return look.changed(show=list(VIEWS)[_VIEW_KEYS.index(letter)])
    if letter in _FINER:
        return _finer(look, _FINER[letter])
    if letter in _COLOUR_KEYS and "colours" not in VIEWS[look.show].keys:
        look = look.changed(show="infrared")  # where colours are seen
    return look.changed(**_KEYS[letter](look, palettes)) if letter in _KEYS else look


def _other_overlay(look: Look) -> dict[str, Any]:
    shown = () if look.overlay.show else OVERLAY_ITEMS
    return {"overlay": {**look.overlay.model_dump(), "show": shown}}


_KEYS: dict[str, Callable[[Look, Sequence[str]], dict[str, Any]]] = {
    "c": lambda look, palettes: {"colours": palettes[(palettes.index(look.colours) + 1) % len(palettes)]},
    "p": lambda look, _palettes: {"reversed": not look.reversed},
    "b": lambda look, _palettes: {"colour_bar": not look.colour_bar},
    "m": lambda look, _palettes: {"meters": not look.meters},
    "o": lambda look, _palettes: _other_overlay(look),
}


def _finer(look: Look, steps: int) -> Look:
    """Move what a view has a slider for."""
    if look.show in ("split", "blend"):
        share = min(1.0, max(0.0, getattr(look, look.show) + _SHARE_STEP * steps))
        return look.changed(**{look.show: round(share, 2)})
    if look.show == "edges":
        strength = min(8.0, max(0.0, look.edges.strength + _STRENGTH_STEP * steps))
        return look.changed(edges={**look.edges.model_dump(), "strength": strength})
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
            says="needs an OpenCV with windows, and the one installed here has none",
        )
    if sys.platform == "linux" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise CoconetError(
            "--view window",
            wanted="a display",
            got="none",
            remedy="Use --view web, or set DISPLAY to one.",
            says="needs a display, and there is none",
        )
