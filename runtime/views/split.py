"""The split view: the visible picture left of a line, the infrared one right of it."""

from __future__ import annotations

from coconet.media.pixels import Pixels
from coconet.runtime.views.scene import PALETTE_KEYS, Scene, ViewKind


def _draw(scene: Scene) -> Pixels:
    visible, infrared = scene.sides()
    picture: Pixels = visible.copy()
    line = round(scene.look.split * visible.shape[1])
    picture[:, line:] = infrared[:, line:]
    return picture


SPLIT = ViewKind("Split", _draw, ("split", *PALETTE_KEYS))
