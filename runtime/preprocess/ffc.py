"""The shutter of a thermal camera (flat-field correction): told by a picture that goes blank, or that repeats."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from coconet.media.pixels import RawPixels

_REMEMBERED = 31  # spreads of open frames: a median that one odd frame does not move

_BLANK_SHARE = 0.2  # a shutter has one temperature: its picture keeps the noise and loses the scene

_LEAST_CORRELATION = 0.7  # with the last open picture: the same scene in other counts is a gain switch, and no shutter

_SAMPLE_STEP = 8  # every eighth pixel each way tells the spread of a picture as well as all of them

_LEAST_REPEATS_NS = 120_000_000  # 9 Hz cores that send at 27 Hz give every picture three times, 111 ms

_LEAST_REPEATS_PERIODS = 2.5


class ShutterGuard:
    """Tells a blank picture by what the pictures before it were like; one guard a camera.

    A camera that has always looked at a blank wall is believed: blank is what has lost its spread, not what has none.
    What has lost it and still shows the scene, as after a switch to a gain of a tenth, is not blank either.
    """

    def __init__(self) -> None:
        self._spreads: deque[float] = deque(maxlen=_REMEMBERED)
        self._open: RawPixels | None = None

    def closed(self, pixels: RawPixels) -> bool:
        """Whether this (H, W, 1) picture is of the shutter, given those before it."""
        sample = pixels[::_SAMPLE_STEP, ::_SAMPLE_STEP]
        spread = _spread(sample)
        lost = bool(self._spreads) and spread < _BLANK_SHARE * median(self._spreads)
        blank = lost and not (self._open is not None and _correlation(self._open, sample) >= _LEAST_CORRELATION)
        if not blank:
            self._spreads.append(spread)
            self._open = sample.copy()
        return blank

    @staticmethod
    def repeats_ns(period_ns: float) -> float:
        """For how long a camera of this period may show one picture before its shutter is suspected."""
        return max(_LEAST_REPEATS_NS, _LEAST_REPEATS_PERIODS * period_ns)


def _spread(pixels: RawPixels) -> float:
    """Middle nine tenths of the samples, so that neither a dead pixel nor the sun counts."""
    samples = pixels.ravel()
    low, high = (len(samples) - 1) // 20, len(samples) - 1 - (len(samples) - 1) // 20
    ordered = np.partition(samples, (low, high))  # every frame is looked at: a third of the time of np.percentile
    return float(ordered[high]) - float(ordered[low])


def _correlation(first: RawPixels, second: RawPixels) -> float:
    """How much two samples show the same, -1..1; 0 for pictures of unlike sizes, and for one without any spread."""
    if first.shape != second.shape:
        return 0.0
    one, other = (np.nan_to_num(sample.astype(np.float64)).ravel() for sample in (first, second))
    one, other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((one**2).mean() * (other**2).mean()))
    return float((one * other).mean()) / spread if spread else 0.0
