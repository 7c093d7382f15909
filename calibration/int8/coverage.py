"""Coverage: what the calibration frames show, by stated rules, and whether they are pictures at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, counted
from coconet.media.pixels import RawPixels
from coconet.runtime.frame import FramePair

DARK_BELOW = 80

BRIGHT_ABOVE = 160

HOT_LEVELS = 100

FLAT_BELOW = 12

NOISE_BELOW = 0.5

COLOUR_LEVELS = 2


@dataclass(frozen=True)
class FrameStatistics:
    """What one pair is, in levels of 0..255; a colour picture counts as the mean of its channels.

    dark, bright: the mean of the visible picture is below 80 or above 160. hot: the infrared picture's 99th
    percentile lies 100 or more above its median. flat: both pictures have a standard deviation below 12.
    noisy: not flat, and neighbouring pixels of a picture correlate by less than 0.5; real pictures reach 0.9.
    swapped: the infrared picture has colours, or had some of no palette, and the visible one has none.
    """

    dark: bool
    bright: bool
    hot: bool
    flat: bool
    noisy: bool
    swapped: bool

    @classmethod
    def of(cls, pair: FramePair) -> FrameStatistics:
        """Look at a pair of 8 bit pictures of any size and channel count."""
        visible, infrared = (_gray(frame.pixels) for frame in (pair.visible, pair.infrared))
        low, high = np.percentile(infrared, (50, 99))
        flat = bool(max(visible.std(), infrared.std()) < FLAT_BELOW)
        return cls(
            dark=bool(visible.mean() < DARK_BELOW),
            bright=bool(visible.mean() > BRIGHT_ABOVE),
            hot=bool(high - low >= HOT_LEVELS),
            flat=flat,
            noisy=not flat and min(_smoothness(visible), _smoothness(infrared)) < NOISE_BELOW,
            swapped=(pair.infrared.palette == "luma" or _has_colour(pair.infrared.pixels))
            and not _has_colour(pair.visible.pixels),
        )


@dataclass(frozen=True)
class Coverage:
    """The traits of every calibration frame."""

    traits: Sequence[FrameStatistics]

    def __str__(self) -> str:
        counts = ", ".join(f"{self.count(trait)} {trait}" for trait in ("dark", "bright", "hot", "flat"))
        return f"frames: {len(self.traits)} ({counts})"

    def count(self, trait: str) -> int:
        """How many frames have it."""
        return sum(getattr(traits, trait) for traits in self.traits)

    def require(self, where: object) -> None:
        """Raise CoconetError if more than half of the frames are noise, empty or the wrong way round.

        Frames held out of such a set would agree with it, so that no comparison on them could tell.
        """
        for trait, wanted, fault, remedy in (
            (
                "noisy",
                "pictures",
                "nothing but noise",
                "Use frames of a scene; check the cable and the pixel format of the camera.",
            ),
            (
                "swapped",
                "gray infrared pictures",
                "infrared pictures in colour",
                "They are in colour: swap the two sides, or set a gray palette.",
            ),
            (
                "flat",
                "pictures with something to see",
                "pictures with nothing to see",
                "Take the lens caps off, or record a scene with contrast.",
            ),
        ):
            if 2 * self.count(trait) > len(self.traits):
                got = f"{counted(len(self.traits), 'frame')}, {self.count(trait)} of them {trait}"
                raise CoconetError(
                    where,
                    wanted=wanted,
                    got=got,
                    remedy=remedy,
                    says=f"has {fault} in {self.count(trait)} of its {counted(len(self.traits), 'frame')}",
                )


def _gray(pixels: RawPixels) -> NDArray[np.float32]:
    return np.asarray(pixels.mean(axis=2), np.float32)


def _smoothness(gray: NDArray[np.float32]) -> float:
    """The correlation of horizontal neighbours, -1..1; a picture of one level is smooth."""
    left, right = (_centred(half) for half in (gray[:, :-1], gray[:, 1:]))
    energy = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum()) / energy if energy else 1.0


def _centred(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(values - values.mean(), np.float32)


def _has_colour(pixels: RawPixels) -> bool:
    return bool(np.ptp(pixels, axis=2).mean() > COLOUR_LEVELS)
