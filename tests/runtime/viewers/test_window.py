"""The window: what keys do, if there can be one, and that a window that fails ends the run."""

from __future__ import annotations

import sys
from threading import Event

import cv2
import pytest

from coconet.errors import CoconetError
from coconet.runtime.look import Look
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.viewers import window
from coconet.runtime.viewers.window import LiveWindow, check_window, view_for_key
from tests.support.programs.patience import PATIENCE_S

WINDOWS = "GUI:                           NONE" not in cv2.getBuildInformation()


def test_a_window_is_refused_without_windows_in_opencv_or_without_a_display() -> None:
    with pytest.raises(CoconetError, match="needs an OpenCV with windows"):
        check_window({"DISPLAY": ":0"}, "  GUI:                NONE\n")
    if sys.platform == "linux":
        with pytest.raises(CoconetError, match="needs a display, and there is none"):
            check_window({}, "  GUI:                QT5\n")
    check_window({"DISPLAY": ":0"}, "  GUI:                GTK3\n")


def test_keys_choose_what_a_window_shows() -> None:
    assert view_for_key(ord("3"), Look()) == Look(show="infrared")
    assert view_for_key(ord("0"), Look()) == Look(show="alignment")
    assert view_for_key(ord("c"), Look(show="blend", colours="inferno")) == Look(show="blend", colours="turbo")
    assert view_for_key(ord("c"), Look(colours="viridis")) == Look(show="infrared", colours="white-hot")
    assert view_for_key(ord("p"), Look(show="edges")) == Look(show="edges", reversed=True)
    assert view_for_key(ord("b"), Look(show="split")) == Look(show="split", colour_bar=True)
    assert view_for_key(ord("m"), Look()) == Look(meters=False)
    assert view_for_key(255, Look(show="alignment")) == Look(show="alignment")


def test_plus_and_minus_move_what_a_view_can_have_more_or_less_of() -> None:
    assert view_for_key(ord("+"), Look(show="blend")).blend == 0.55
    assert view_for_key(ord("-"), Look(show="split", split=0.02)).split == 0
    assert view_for_key(ord("+"), Look(show="edges")).edges.strength == 1.75
    assert view_for_key(ord("+"), Look()) == Look()


def test_o_writes_the_overlay_and_hides_it() -> None:
    written = view_for_key(ord("o"), Look())
    assert "utc" in written.overlay.show
    assert view_for_key(ord("o"), written) == Look()


@pytest.mark.skipif(WINDOWS, reason="this OpenCV has windows, so that none fails")
def test_a_window_that_fails_ends_the_run_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "check_window", lambda _environment, _build: None)
    stop = Event()
    shown = LiveWindow(RunStats(), Look(), stop)
    shown.__enter__()
    assert stop.wait(PATIENCE_S)
    with pytest.raises(cv2.error, match="not implemented"):
        shown.__exit__(None, None, None)
