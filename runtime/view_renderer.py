"""The picture of a fused frame in a view."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels, as_bgr, as_gray
from coconet.runtime.badge import add_badge
from coconet.runtime.frame import FusedFrame, Side
from coconet.runtime.heat.labels import draw_meters
from coconet.runtime.view import Colours, ViewSettings

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="colouring pictures", extra="headless") from error


_MAPS = {"inferno": cv2.COLORMAP_INFERNO, "turbo": cv2.COLORMAP_TURBO}

_OUTLINE = (64, 176, 255)  # amber, BGR: stands out from gray and from the badge's red

_EDGE_LOW, _EDGE_HIGH = 60, 140  # gradients of Canny's operator that make an outline go on, and begin

_DIMMED = 0.75  # of the gray picture, so that the outlines are the brightest thing


def render_view(frame: FusedFrame, look: ViewSettings) -> Pixels:
    """Return the picture of a look, (H, W, 3) BGR or (H, W, 1) gray, uint8.

    A side that is missing is black, with the pair's notice on it. Meters are drawn last.
    """
    picture, heat = _picture(frame, look), frame.pair.heat
    return draw_meters(picture, heat) if look.meters and heat is not None and heat.meters else picture


def _picture(frame: FusedFrame, look: ViewSettings) -> Pixels:
    if look.view == "fused":
        return frame.pixels
    if look.view == "alignment":
        return _aligned(frame)
    side: Side = look.view
    pixels: Pixels = frame.pair.visible.pixels if side == "visible" else frame.pair.laid_infrared
    if side in frame.pair.missing:
        return add_badge(np.zeros((*pixels.shape[:2], 3), np.uint8), frame.pair.notice)
    return _coloured(pixels, look.colours) if side == "infrared" else pixels


def _coloured(pixels: Pixels, colours: Colours) -> Pixels:
    if colours in _MAPS:
        coloured: Pixels = cv2.applyColorMap(pixels, _MAPS[colours]).astype(np.uint8, copy=False)
        return coloured
    return 255 - pixels if colours == "black-hot" else pixels


def _aligned(frame: FusedFrame) -> Pixels:
    visible, infrared = frame.pair.visible.pixels, frame.pair.laid_infrared
    picture: Pixels = as_bgr((as_gray(visible) * _DIMMED).astype(np.uint8))
    # Smoothed first: the noise of a thermal sensor is full of edges.
    outlines = cv2.Canny(cv2.GaussianBlur(infrared, (5, 5), 0), _EDGE_LOW, _EDGE_HIGH)
    picture[outlines > 0] = _OUTLINE
    return add_badge(picture, frame.pair.notice) if frame.pair.missing else picture
