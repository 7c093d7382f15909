"""The two limits of a thermal stretch: they follow the scene slowly, a gain switch at once, a shutter not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.frame import RawPixels

Limits = tuple[float, float]

_SAMPLE_STEP = 4  # every fourth pixel each way
_LEAST_CORRELATION = 0.9  # between two frames of one scene, whatever the gain
_LEAST_GAIN_CHANGE = 0.25
_LEAST_SPAN = 64.0  # counts; from a blank start the limits open at this pace
_LEAST_SHIFT = 0.25  # of the span between the limits


@dataclass(frozen=True)
class GainChange:
    """How counts changed from one frame to the next without the scene changing: new = gain * old + shift."""

    gain: float
    shift: float

    def moved(self, limits: Limits) -> Limits:
        """Carry limits over, so that the picture looks as before."""
        low, high = limits
        return self.gain * low + self.shift, self.gain * high + self.shift


class LimitFollower:
    """Follows wanted limits with a first-order low-pass over the time that has passed, at a bounded pace."""

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._limits: Limits | None = None
        self._last_ns = 0
        self._before: NDArray[np.float32] | None = None

    def hold(self) -> Limits | None:
        """The limits as they are, for a frame that says nothing about the scene; None before the first."""
        return self._limits

    def follow(self, wanted: Limits, pixels: RawPixels, now_ns: int) -> Limits:
        """Move towards the wanted limits; where (H, W, 1) counts have jumped as a whole, jump with them first."""
        sample = pixels[::_SAMPLE_STEP, ::_SAMPLE_STEP].astype(np.float32)
        if self._limits is None:
            self._limits = wanted
        else:
            if change := self._gain_change(sample):
                self._limits = change.moved(self._limits)
            share = 1 - math.exp(-max(now_ns - self._last_ns, 0) / 1e9 / self._time_constant_s)
            self._limits = _towards(wanted, self._limits, share)
        self._last_ns, self._before = now_ns, sample
        return self._limits

    def _gain_change(self, sample: NDArray[np.float32]) -> GainChange | None:
        """Compare with the frame before: the same scene in other counts is a gain switch or a new offset."""
        if self._before is None or self._limits is None or self._before.shape != sample.shape:
            return None
        old_spread, new_spread = float(self._before.std()), float(sample.std())
        if min(old_spread, new_spread) < 1.0:
            return None
        old, new = self._before - self._before.mean(), sample - sample.mean()
        if float((old * new).mean()) < _LEAST_CORRELATION * old_spread * new_spread:
            return None
        gain = new_spread / old_spread
        change = GainChange(gain, float(sample.mean()) - gain * float(self._before.mean()))
        return change if _is_jump(change, self._limits) else None


def _towards(wanted: Limits, limits: Limits, share: float) -> Limits:
    """Take up a share of the way, but no more than that share of the span: what is seen moves no faster than that."""
    most = share * max(limits[1] - limits[0], _LEAST_SPAN)
    low, high = (have + min(max(share * (want - have), -most), most) for want, have in zip(wanted, limits, strict=True))
    return low, high


def _is_jump(change: GainChange, limits: Limits) -> bool:
    low, high = limits
    middle_moved = change.gain * (low + high) / 2 + change.shift - (low + high) / 2
    return abs(change.gain - 1) > _LEAST_GAIN_CHANGE or abs(middle_moved) > _LEAST_SHIFT * max(high - low, 1.0)
