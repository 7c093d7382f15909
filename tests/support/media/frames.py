"""Frames made by hand: a pair from two pictures, and a fused frame of one level; and how many a video holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coconet.media.pixels import RawPixels
from coconet.media.video import VideoReader
from coconet.runtime.frame import Frame, FramePair, FusedFrame, Side

PERIOD_NS = 40_000_000
"""From one fused frame to the next."""


def pair_of(visible: RawPixels, infrared: RawPixels, index: int = 0, name: str = "") -> FramePair:
    """A pair of two pictures, each (H, W), (H, W, 1) or (H, W, 3); both frames get the index, the name and stamp 0."""
    sides = [pixels if pixels.ndim == 3 else pixels[:, :, None] for pixels in (visible, infrared)]
    return FramePair(*(Frame(pixels, 0, index, name) for pixels in sides))


def fused_frame(index: int = 0, level: int = 80, *, size: tuple[int, int] = (16, 24), name: str = "") -> FusedFrame:
    """A colour picture of (height, width) and one level, which both cameras saw as well."""
    frame = Frame(np.full((*size, 3), level, np.uint8), 10**9 + index * PERIOD_NS, index, name)
    return FusedFrame(frame.pixels, FramePair(frame, frame), latency_ms=1.0)


def timed_frame(latency_ms: float = 1.0, skew_ms: float = 0.0, missing: frozenset[Side] = frozenset()) -> FusedFrame:
    """A small picture that was fused twice `latency_ms` after its capture."""
    pixels = np.zeros((4, 6, 1), np.uint8)
    pair = FramePair(Frame(pixels, 0, 0), Frame(pixels, round(skew_ms * 1e6), 0), missing=missing)
    return FusedFrame(pixels, pair, latency_ms, capture_to_fused_ms=2 * latency_ms)


def frames_in_video(path: Path) -> int:
    """How many frames of a video file decode."""
    with VideoReader(path) as video:
        return len(list(video))
