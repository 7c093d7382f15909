"""Samples of a run: the figures of every so-many-th frame, and a few small pictures from all along it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coconet.errors import CoconetError
from coconet.media.image import resize, write_picture
from coconet.media.panel import CAPTIONS, captioned_row
from coconet.media.pixels import Pixels, nearest_luma
from coconet.metrics.fusion import VERIFIED
from coconet.runtime.frame import FusedFrame

MOST_PICTURES = 4

_PICTURE_PX = 240  # of width


def picture_name(index: int) -> str:
    """The file of the small picture of a frame, by the number of that frame."""
    return f"frame-{index:07}.png"


def is_picture_name(name: str) -> bool:
    """Whether that is the name of such a file."""
    return name.startswith("frame-") and name.endswith(".png")


class Samples:
    """Called after every fused frame. figures: the mean of each metric, empty before the first that could be scored.

    seconds: from the first frame to the last one so far, by their stamps.
    """

    def __init__(self, every: int) -> None:
        """Score the first frame, and every so-many-th after it."""
        self._every, self._count = every, 0
        self._scores: dict[str, list[float]] = {metric.name: [] for metric in VERIFIED}
        self._pictures: list[tuple[int, Pixels]] = []
        self._apart, self._begins_ns, self.seconds = every, 0, 0.0

    def __call__(self, frame: FusedFrame) -> None:
        """Look at a frame."""
        index, self._count = self._count, self._count + 1
        if index == 0:
            self._begins_ns = frame.pair.timestamp_ns
        self.seconds = (frame.pair.timestamp_ns - self._begins_ns) / 1e9
        if index % self._every:
            return
        if not frame.pair.missing:
            self._score(frame)
        if index % self._apart == 0:
            self._pictures.append((index, _panel(frame)))
            if len(self._pictures) > MOST_PICTURES:
                self._apart *= 2
                self._pictures = [(at, picture) for at, picture in self._pictures if at % self._apart == 0]

    @property
    def figures(self) -> dict[str, float]:
        """The means, rounded to six digits, so that they are the same wherever they were added up."""
        return {name: float(f"{np.mean(values):.6g}") for name, values in self._scores.items() if values}

    @property
    def scored(self) -> int:
        """How many frames the figures are of."""
        return max(map(len, self._scores.values()))

    def write_pictures(self, folder: Path) -> list[str]:
        """Write the small pictures as PNG, named by the number of their frame; gives their names."""
        names = []
        for index, picture in self._pictures:
            names.append(picture_name(index))
            write_picture(folder / names[-1], picture)
        return names

    def _score(self, frame: FusedFrame) -> None:
        fused, visible = nearest_luma(frame.pixels), nearest_luma(np.asarray(frame.pair.visible.pixels, np.uint8))
        infrared = np.asarray(frame.pair.laid_infrared, np.uint8)[:, :, 0]
        try:
            found = {metric.name: metric.of(fused, infrared, visible) for metric in VERIFIED}
        except CoconetError:  # too small a picture for one of them
            return
        for name, value in found.items():
            self._scores[name].append(value)


def _panel(frame: FusedFrame) -> Pixels:
    height, width = frame.pixels.shape[:2]
    height_px = max(1, round(height * _PICTURE_PX / width))
    sides = (frame.pair.laid_infrared, frame.pair.visible.pixels, frame.pixels)
    small = [resize(np.asarray(side, np.uint8), _PICTURE_PX, height_px) for side in sides]
    return captioned_row(small, CAPTIONS)
