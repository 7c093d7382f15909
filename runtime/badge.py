"""What is shown while a camera is not live: the other one's picture, under a badge that says which and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels
from coconet.runtime.frame import FramePair

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="writing a badge into pictures", extra="headless") from error


_FONT, _PAPER, _INK = cv2.FONT_HERSHEY_SIMPLEX, (32, 32, 160), (255, 255, 255)  # white on dark red, BGR

_HEIGHT_SHARE = 1 / 15  # of the picture's height: readable on a small display, and hides little


def single_camera_picture(pair: FramePair) -> Pixels:
    """Return (H, W, C) uint8 shaped like the visible frame, with the pair's notice as a badge.

    One side missing: the other side alone. Both: black.
    """
    visible = pair.visible.pixels
    if pair.missing == {"infrared"}:
        shown = visible
    elif pair.missing == {"visible"}:
        shown = np.broadcast_to(pair.laid_infrared, visible.shape)
    else:
        shown = np.zeros_like(visible)
    return add_badge(shown, pair.notice)


def add_alarms(pixels: Pixels, alarms: Sequence[str]) -> Pixels:
    """Return a copy of pixels with the names of the alarms that are on, on a bar at the bottom.

    Without any alarm the pixels themselves come back.
    """
    return _with_bar(pixels, f"ALARM: {', '.join(alarms)}", at_top=False) if alarms else pixels


def add_badge(pixels: Pixels, text: str) -> Pixels:
    """Return a copy of (H, W, 3) BGR or (H, W, 1) gray pixels with a line of text on a bar at the top."""
    return _with_bar(pixels, text, at_top=True)


def bar_height_px(height_px: int) -> int:
    """How high the bar of a badge is on a picture."""
    return min(max(12, round(height_px * _HEIGHT_SHARE)), height_px)


def _with_bar(pixels: Pixels, text: str, *, at_top: bool) -> Pixels:
    picture: Pixels = np.array(pixels, order="C")
    bar_px = bar_height_px(picture.shape[0])
    top = 0 if at_top else picture.shape[0] - bar_px
    scale = bar_px / 36
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, 1)
    scale *= min(1.0, (picture.shape[1] - 8) / max(width, 1))  # a long notice becomes small rather than cut off
    paper, ink = (_PAPER, _INK) if picture.shape[2] == 3 else ((60,), (255,))
    picture[top : top + bar_px] = paper
    cv2.putText(picture, text, (4, top + bar_px - bar_px // 3), _FONT, scale, ink, 1, cv2.LINE_AA)
    return picture
