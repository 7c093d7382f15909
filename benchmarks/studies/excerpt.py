"""Excerpt: the part of a recording that a benchmark looks at, as neighbouring frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from coconet.runtime.frame import Frame, FramePair


@dataclass(frozen=True)
class Sample:
    """A pair, and whether the sample before it was its neighbour in the recording."""

    pair: FramePair
    continues: bool


@dataclass(frozen=True)
class Excerpt:
    """What of a recording is taken.

    stride: of every `stride` pairs the first two, so that each step is still one between neighbours; 1 takes all.
    frames: the end, after this many samples; None for the recording's own. scale: the factor on both sides of a frame.
    """

    stride: int = 1
    frames: int | None = None
    scale: float = 1.0

    def of(self, pairs: Iterable[FramePair]) -> Iterator[Sample]:
        """The samples, in order."""
        return islice(self._samples(pairs), self.frames)

    def count(self, total: int | None) -> int | None:
        """How many samples a recording of `total` pairs gives; None if its end is unknown and none is set."""
        if total is None:
            return self.frames
        taken = total // self.stride * min(2, self.stride) + min(2, total % self.stride)
        return taken if self.frames is None else min(taken, self.frames)

    def _samples(self, pairs: Iterable[FramePair]) -> Iterator[Sample]:
        for index, pair in enumerate(pairs):
            place = index % self.stride
            if place < 2:
                yield Sample(self._scaled(pair), index > 0 and (place == 1 or self.stride == 1))

    def _scaled(self, pair: FramePair) -> FramePair:
        if self.scale == 1.0:
            return pair
        return FramePair(*(_scaled(frame, self.scale) for frame in (pair.visible, pair.infrared)))


def _scaled(frame: Frame, scale: float) -> Frame:
    from coconet.media.image import resize

    height, width = (max(1, round(side * scale)) for side in frame.pixels.shape[:2])
    return replace(frame, pixels=resize(frame.pixels, width, height))
