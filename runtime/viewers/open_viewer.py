"""Viewers by name: how somebody watches a run while it goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from threading import Event

    from coconet.runtime.loop.run_stats import RunStats
    from coconet.runtime.rig.live_settings import AdjustableRig
    from coconet.runtime.viewers.live_page import PageSettings


ViewerKind = Literal["web", "window"]
"""web: a page for browsers. window: one on this machine's display."""


def open_viewer(
    view: ViewerKind, gauge: RunStats, page: PageSettings, tuner: AdjustableRig, stop: Event
) -> AbstractContextManager[Any]:
    """Prepare what shows the run that `gauge` records, as a context manager around the run.

    stop: set by a viewer that ends the run; a page tells its viewers if that is how it ended.
    Raises CoconetError for what cannot be shown here.
    """
    if view == "window":
        from coconet.runtime.drawing.open_renderer import open_renderer
        from coconet.runtime.viewers.window import LiveWindow

        return LiveWindow(gauge, tuner.rig.view, stop, open_renderer(tuner.rig))
    from coconet.runtime.viewers.live_page import LivePage

    return LivePage(gauge, page, tuner, on_open=_announce, stop=stop)


def _announce(url: str) -> None:
    from coconet.event_log import is_logging, log_event
    from coconet.terminal.console import Console

    if is_logging():
        log_event("page", url=url)
    else:
        Console(stderr=True).print(f"live page: {url}", highlight=False)
