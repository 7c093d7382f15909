"""Edges of the visible picture over heat: what heat shows without a shape gets one."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels, as_bgr, as_gray
from coconet.runtime.views.scene import BOTH, PALETTE_KEYS, Scene, ViewKind, bgr_of

_SIGMA_SHARE = 1 / 240  # of the height: edges are as wide on a large picture as on a small one

_FULL = 64.0  # levels of detail that are drawn in the whole colour at a strength of 1


def _draw(scene: Scene) -> Pixels:
    import cv2

    look, heat = scene.look.edges, as_bgr(scene.coloured())
    gray = as_gray(scene.visible).astype(np.float32)
    sigma = max(1.0, gray.shape[0] * _SIGMA_SHARE)
    detail = gray[:, :, 0] - cv2.GaussianBlur(gray, (0, 0), sigma)
    if not look.colour:
        added = cv2.merge([detail * np.float32(look.strength)] * 3)
        return np.asarray(cv2.add(heat, added, dtype=cv2.CV_8U), np.uint8)
    share = np.minimum(np.float32(look.strength / _FULL) * np.abs(detail), np.float32(1))
    ink = np.full_like(heat, bgr_of(look.colour))
    return np.asarray(cv2.blendLinear(heat, ink, 1 - share, share), np.uint8)


EDGES = ViewKind("Edges over heat", _draw, ("edges", *PALETTE_KEYS), BOTH)
