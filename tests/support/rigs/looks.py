"""Fused frames to look at: noise on the visible side, something warm on the other."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.look import Look


def frame_to_look_at(height: int = 48, width: int = 64, **words: object) -> FusedFrame:
    """A fused frame of noise, with a warm rectangle in its infrared picture; words: further fields of its pair."""
    rng = np.random.default_rng(3)
    visible = Frame(rng.integers(0, 256, (height, width, 3), np.uint8), 5, 0)
    warm = np.full((height, width, 1), 20, np.uint8)
    warm[height // 4 : height * 3 // 4, width * 5 // 16 : width * 11 // 16] = 230
    pair = FramePair(visible, Frame(warm, 5, 0), **words)  # type: ignore[arg-type]
    return FusedFrame(visible.pixels // 2, pair, 1.0)


def shown(frame: FusedFrame, view: str, **keys: object) -> Pixels:
    """What a view shows of a frame."""
    return Renderer().draw(frame, Look().changed(show=view, **keys))
