"""The alignment: the visible picture in gray, with the outlines of the infrared one drawn on top."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels, as_bgr, as_gray
from coconet.runtime.views.scene import BOTH, Scene, ViewKind

_OUTLINE = (64, 176, 255)  # amber, BGR: stands out from gray and from the badge's red

_EDGE_LOW, _EDGE_HIGH = 60, 140  # gradients of Canny's operator that make an outline go on, and begin

_DIMMED = 0.75  # of the gray picture, so that the outlines are the brightest thing


def _draw(scene: Scene) -> Pixels:
    import cv2

    picture: Pixels = as_bgr((as_gray(scene.visible) * _DIMMED).astype(np.uint8))
    # Smoothed first: the noise of a thermal sensor is full of edges.
    outlines = cv2.Canny(cv2.GaussianBlur(scene.infrared, (5, 5), 0), _EDGE_LOW, _EDGE_HIGH)
    picture[outlines > 0] = _OUTLINE
    return picture


ALIGNMENT = ViewKind("Alignment", _draw, needs=BOTH)
