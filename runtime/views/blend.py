"""The blend: both pictures through each other."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.views.scene import BOTH, PALETTE_KEYS, Scene, ViewKind


def _draw(scene: Scene) -> Pixels:
    import cv2

    visible, infrared = scene.sides()
    share = scene.look.blend
    return np.asarray(cv2.addWeighted(visible, 1 - share, infrared, share, 0), np.uint8)


BLEND = ViewKind("Blend", _draw, ("blend", *PALETTE_KEYS), BOTH)
