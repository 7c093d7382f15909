"""The pictures of a run that its page shows: the first frame, one from the middle, and the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coconet.media.panel import CAPTIONS, Captioned, sheet_of_row
from coconet.media.pixels import Pixels
from coconet.runtime.frame import FusedFrame

COLUMN_PX = 640
"""How wide each of the three pictures of a frame is shown at most."""

MOST_KEPT = 8
"""Of the frames between the first and the last: how long a run of cameras will be is not known before its end."""


@dataclass(frozen=True)
class ShownFrame:
    """Infrared, visible and fused picture of a frame, side by side, (H, W, 3) BGR uint8.

    index: how many frames were fused before. name: of its file, if it has one. seconds: after the first frame.
    skew_ms: infrared stamp minus visible stamp. missing: the sides that could not be shown.
    """

    index: int
    name: str
    seconds: float
    skew_ms: float
    missing: tuple[str, ...]
    sheet: Pixels


class RunPictures:
    """Called after every fused frame; keeps frames at equal distances, and doubles the distance once it has enough."""

    def __init__(self) -> None:
        self._kept: list[ShownFrame] = []
        self._apart, self._count, self._first_ns = 1, 0, 0
        self._last: FusedFrame | None = None

    def __call__(self, frame: FusedFrame) -> None:
        """Take a frame; most are let go when the next one comes."""
        if not self._count:
            self._first_ns = frame.pair.timestamp_ns
        if self._count % self._apart == 0:
            self._kept.append(self._show(frame, self._count))
            if len(self._kept) > MOST_KEPT:
                self._apart *= 2
                self._kept = [one for one in self._kept if one.index % self._apart == 0]
        self._last, self._count = frame, self._count + 1

    def choose(self) -> list[ShownFrame]:
        """The first frame, the kept one that is nearest the middle, and the last; fewer of a run of one or two."""
        if self._last is None:
            return []
        last = self._count - 1
        between = [one for one in self._kept if 0 < one.index < last]
        middle = sorted(between, key=lambda one: abs(2 * one.index - last))[:1]
        return [self._kept[0], *middle, *([self._show(self._last, last)] if last else [])]

    def _show(self, frame: FusedFrame, index: int) -> ShownFrame:
        pair = frame.pair
        sides = (pair.laid_infrared, pair.visible.pixels, frame.pixels)
        row = [Captioned(text, np.asarray(side, np.uint8)) for text, side in zip(CAPTIONS, sides, strict=True)]
        return ShownFrame(
            index=index,
            name=pair.visible.name,
            seconds=(pair.timestamp_ns - self._first_ns) / 1e9,
            skew_ms=pair.skew_ns / 1e6,
            missing=tuple(sorted(pair.missing)),
            sheet=sheet_of_row(row, COLUMN_PX),
        )
