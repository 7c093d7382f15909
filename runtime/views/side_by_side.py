"""Side by side: the visible picture, and right of it the infrared one, each whole."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.views.scene import PALETTE_KEYS, Scene, ViewKind


def _draw(scene: Scene) -> Pixels:
    return np.hstack([scene.labelled(side) for side in scene.sides()])


SIDE_BY_SIDE = ViewKind("Side by side", _draw, PALETTE_KEYS, labels_itself=True)
