"""Picture in picture: one camera's picture, small, in a corner of the other's, or in its middle as it is aligned."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.views.scene import BOTH, PALETTE_KEYS, Scene, ViewKind

_MARGIN_SHARE = 1 / 50  # of the smaller side

_FRAME = (235, 235, 235)


def _draw(scene: Scene) -> Pixels:
    import cv2

    look, (visible, infrared) = scene.look.inset, scene.sides()
    ground, inner = (visible, infrared) if look.of == "infrared" else (infrared, visible)
    height, width = ground.shape[:2]
    own_px = max(1, round(width * look.size)), max(1, round(height * look.size))
    left, top = _corner(look.place, (width, height), own_px)
    if look.place == "centre":
        shown = inner[top : top + own_px[1], left : left + own_px[0]]
    else:
        shown = np.asarray(cv2.resize(inner, own_px, interpolation=cv2.INTER_AREA), np.uint8)
    picture: Pixels = ground.copy()
    picture[top : top + own_px[1], left : left + own_px[0]] = shown
    line = max(1, round(height / 240))
    outer = (left - line, top - line), (left + own_px[0] + line - 1, top + own_px[1] + line - 1)
    for at in range(line):
        cv2.rectangle(picture, (outer[0][0] + at, outer[0][1] + at), (outer[1][0] - at, outer[1][1] - at), _FRAME)
    return picture


def _corner(place: str, size_px: tuple[int, int], own_px: tuple[int, int]) -> tuple[int, int]:
    """Left and top of the small picture."""
    (width, height), (own_width, own_height) = size_px, own_px
    if place == "centre":
        return (width - own_width) // 2, (height - own_height) // 2
    margin = max(2, round(min(size_px) * _MARGIN_SHARE))
    return (
        margin if "left" in place else width - own_width - margin,
        margin if "top" in place else height - own_height - margin,
    )


INSET = ViewKind("Picture in picture", _draw, ("inset", *PALETTE_KEYS), BOTH)
