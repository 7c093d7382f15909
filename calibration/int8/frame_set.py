"""The calibration set: frames to measure ranges on, frames held out for the check, and crops to make up numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from coconet.calibration.int8.coverage import Coverage, FrameStatistics
from coconet.calibration.int8.frame_source import FrameSource
from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.frame import Frame, FramePair

NEAR_LEVELS = 4.0
"""Real scenes differ by 13 levels or more, a static camera's frames by less than 5."""

THUMBNAIL_PX = (32, 24)

HELD_OUT_STEP = 5

MOST_JUDGED = 32
"""Of the frames that ranges came from, this many are judged beside those held out; the others are like them."""

CROP_SHARE = 0.75

SEED = 0


@dataclass(frozen=True)
class Survey:
    """What a look at every frame of a source found: how many there are, the positions of those kept, their traits."""

    seen: int
    kept: tuple[int, ...]
    coverage: Coverage

    def __str__(self) -> str:
        return f"{self.coverage}, near-duplicates left out: {self.seen - len(self.kept)}"


def survey(pairs: Iterable[FramePair]) -> Survey:
    """Look at every pair once and keep those that are no near-duplicate of one kept before.

    Two pairs are near-duplicates where, on both sides, their thumbnails of 32 x 24 pixels (area means, gray) differ by
    less than 4 levels in the mean of the absolute differences.
    """
    seen, kept = 0, list[int]()
    thumbnails: list[NDArray[np.float32]] = []
    traits: list[FrameStatistics] = []
    for seen, pair in enumerate(pairs, start=1):
        thumbnail = _thumbnail(pair)
        if not _near(thumbnail, thumbnails):
            kept.append(seen - 1)
            thumbnails.append(thumbnail)
            traits.append(FrameStatistics.of(pair))
    return Survey(seen, tuple(kept), Coverage(traits))


@dataclass(frozen=True)
class CalibrationSet:
    """The pairs at some positions of a source, then crops of them, the same at every iteration.

    source: gives its pairs in one order at every iteration. chosen: positions in it, ascending. crops: how many crops
    are added; each is cut at a random place of a pair, of three quarters of its height and width.
    """

    source: Iterable[FramePair]
    chosen: Sequence[int]
    crops: int = 0

    def __post_init__(self) -> None:
        if not self.chosen:
            raise CoconetError(
                str(self.source),
                wanted="frame pairs",
                got="none",
                remedy="Give a source that holds some.",
                says="holds no frame pairs",
            )

    def __len__(self) -> int:
        return len(self.chosen) + self.crops

    def __iter__(self) -> Iterator[FramePair]:
        """The chosen pairs, then the crops: each round cuts one from every pair, until there are enough."""
        yield from self._wanted()
        rng = np.random.default_rng(SEED)
        left = self.crops
        while left > 0:
            for pair in islice(self._wanted(), left):
                yield _crop(pair, rng)
                left -= 1

    def with_crops(self, frames: int) -> CalibrationSet:
        """The set with as many crops as it lacks of `frames` frames."""
        return replace(self, crops=max(0, frames - len(self.chosen)))

    def held_out(self) -> tuple[CalibrationSet, CalibrationSet]:
        """The set without every fifth frame, and those frames. Raises CoconetError if there is only one frame."""
        if len(self.chosen) < 2:
            raise CoconetError(
                str(self.source),
                wanted="two or more frames that differ, so that one can be held out for the check",
                got="1",
                remedy="Give more frames of different scenes, or other frames to compare on with --check.",
                says="holds only one frame that differs from the others, and none is left to check with",
            )
        check = self.chosen[1::HELD_OUT_STEP]
        rest = [position for position in self.chosen if position not in check]
        return replace(self, chosen=rest), replace(self, chosen=check)

    def spread(self, most: int) -> CalibrationSet:
        """At most `most` of the pairs, spread over all of them, and no crops."""
        stride = -(-len(self.chosen) // most)
        return replace(self, chosen=self.chosen[::stride], crops=0)

    def describe(self, method: str) -> str:
        """The method of a calibration record, which says where crops were used."""
        return f"{method} ({self.crops} of the frames are crops)" if self.crops else method

    def _wanted(self) -> Iterator[FramePair]:
        wanted = set(self.chosen)
        for position, pair in enumerate(islice(self.source, max(wanted) + 1)):
            if position in wanted:
                yield pair


def _thumbnail(pair: FramePair) -> NDArray[np.float32]:
    """(2, 24, 32) levels of 0..255, visible first."""
    import cv2

    sides = [frame.pixels.mean(axis=2, dtype=np.float32) for frame in (pair.visible, pair.infrared)]
    return np.stack([cv2.resize(side, THUMBNAIL_PX, interpolation=cv2.INTER_AREA) for side in sides])


def _near(thumbnail: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> bool:
    return any(bool((np.abs(thumbnail - other).mean(axis=(1, 2)) < NEAR_LEVELS).all()) for other in others)


def _crop(pair: FramePair, rng: np.random.Generator) -> FramePair:
    """The same part of both pictures, of even sides, because networks halve them."""
    height, width = (max(2, int(side * CROP_SHARE) // 2 * 2) for side in pair.visible.pixels.shape[:2])
    top, left = (
        int(rng.integers(0, full - part + 1))
        for full, part in zip(pair.visible.pixels.shape, (height, width), strict=False)
    )
    rows, columns = slice(top, top + height), slice(left, left + width)
    return FramePair(_cut(pair.visible, rows, columns), _cut(pair.infrared, rows, columns))


def _cut(frame: Frame, rows: slice, columns: slice) -> Frame:
    pixels: RawPixels = np.ascontiguousarray(frame.pixels[rows, columns])
    return replace(frame, pixels=pixels)


@dataclass(frozen=True)
class Division:
    """measure: what ranges come from, None if they are there already. check: what is compared. origin: of check.

    judged: frames of `measure` that are judged beside `check`, where both are of one source.
    """

    measure: CalibrationSet | None
    check: Iterable[FramePair]
    origin: str
    judged: Iterable[FramePair] | None = None


def divide_frames(source: FrameSource, found: Survey, check: FrameSource | None) -> Division:
    """Measure on the frames that were kept, or, without others to check on, on those not held out for it.

    Raises CoconetError if the frames are no fit pictures or too few.
    """
    everything = CalibrationSet(source, found.kept)
    found.coverage.require(source)
    if check is not None:
        return Division(everything, check, str(check))
    measure, held_out = everything.held_out()
    return Division(measure, held_out, f"frames held out of {source}", measure.spread(MOST_JUDGED))


def only_compared(source: FrameSource | None, check: FrameSource | None) -> Division:
    """For ranges that are there already: compare on `check`, or else on all frames of the source."""
    frames = source if check is None else check
    if frames is None:
        raise no_frames("Name some; with --ranges, --check will do.")
    return Division(None, frames, str(frames))


def no_frames(remedy: str) -> CoconetError:
    """The error of a command that was given no frames."""
    return CoconetError(
        "--frames",
        wanted="a folder of paired pictures, or two recordings",
        got="none",
        remedy=remedy,
        says="is missing: calibration needs frames",
    )
