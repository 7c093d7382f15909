"""Automatic gain control: raw thermal counts become 8 bit pictures, between limits that follow the scene slowly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, RawPixels
from coconet.runtime.frame import Frame
from coconet.runtime.preprocess.ffc import ShutterGuard

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


Contrast = Literal["linear", "plateau", "clahe"]
"""linear: between the two limits. plateau: levels are spent where pixels are, no level on more than its plateau.
clahe: linear, then equalised tile by tile, which shows most and looks least like temperature."""

_COUNTS = 1 << 16

_BINS = 256

_CLAHE_CLIP, _CLAHE_TILES = 2.0, (8, 8)


@dataclass(frozen=True)
class ThermalSettings:
    """How raw counts are stretched.

    low_percentile, high_percentile: the shares of the pixels, in percent, that may fall below black and above white.
    time_constant_s: how slowly the two limits follow the scene; after this time 63 % of a change is taken up.
    black_hot: the camera shows warm things dark; they are turned bright.
    contrast: how levels are spent between the limits. plateau: for that contrast, the largest share of the pixels that
    counts for one of 256 bins, in percent; small is nearly linear, 100 is full equalisation.
    mend_dead_pixels: whether pixels that never agree with their neighbours are replaced.
    """

    low_percentile: float = 0.5
    high_percentile: float = 99.5
    time_constant_s: float = 0.5
    black_hot: bool = False
    contrast: Contrast = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low_percentile < self.high_percentile <= 100:
            raise _unfit(
                "agc_percentiles",
                "a low and a higher one between 0 and 100",
                f"{self.low_percentile} and {self.high_percentile}",
                "Use 0.5 and 99.5 unless the scene needs something else.",
            )
        if not 0.001 <= self.time_constant_s <= 3600:
            raise _unfit("agc_time_constant_s", "0.001 to 3600 s", f"{self.time_constant_s:g}", "Use 0.5.")
        if self.contrast not in get_args(Contrast):
            raise _unfit("contrast", " or ".join(get_args(Contrast)), repr(self.contrast), "Use linear.")
        if not 0 < self.plateau_percent <= 100:
            raise _unfit("plateau_percent", "above 0 and at most 100", f"{self.plateau_percent:g}", "Use 1.")


class ThermalStretch:
    """Turns infrared frames into (H, W, 1) uint8; it remembers the frames before, so use one a camera.

    A scene that does not change moves by less than a level. A change is taken up over the time constant: from one frame
    to the next either limit moves by at most the share 1 - exp(-period / time constant) of the span, so a pixel of
    unchanged counts by at most 255 times that share for each limit that widens. A gain switch or the new offset after
    a shutter moves the limits with the counts, so that the picture stays as it was. While the shutter is closed the
    limits stand still.
    """

    def __init__(self, settings: ThermalSettings | None = None) -> None:
        self._settings = settings or ThermalSettings()
        self._follower = LimitFollower(self._settings.time_constant_s)
        self._shutter = ShutterGuard()
        self._curve: NDArray[np.float64] | None = None
        self._mend = _mender(self._settings)
        self._raw: bool | None = None

    @property
    def front_end(self) -> FrontEnd | None:
        """What a model card says of this; None before the first frame, which tells whether the camera gives counts."""
        if self._raw is None:
            return None
        told = self._settings
        return FrontEnd(
            self._raw,
            (told.low_percentile, told.high_percentile),
            told.time_constant_s,
            told.contrast,
            told.plateau_percent,
            told.mend_dead_pixels,
            told.black_hot,
        )

    def apply(self, frame: Frame) -> Frame:
        """Stretch (H, W, 1) uint16 counts; uint8 passes as it is; black-hot ones are inverted."""
        self._raw = frame.pixels.dtype == np.uint16
        pixels = self._stretched(frame) if self._raw else frame.pixels
        if self._settings.black_hot:
            pixels = 255 - pixels
        return frame if pixels is frame.pixels else dataclasses.replace(frame, pixels=pixels)

    def _stretched(self, frame: Frame) -> Pixels:
        counts = self._mend(frame.pixels)
        low, high = self._limits(counts, frame.timestamp_ns)
        share = np.clip((np.arange(_COUNTS, dtype=np.float64) - low) / max(high - low, 1.0), 0, 1)
        if self._settings.contrast == "plateau":
            share = self._equalised(counts, share)
        # A table is exact and takes a fifth of the time of arithmetic on every pixel.
        table = np.rint(share * 255).astype(np.uint8)
        pixels: Pixels = table[counts]
        return _clahe(pixels) if self._settings.contrast == "clahe" else pixels

    def _limits(self, counts: RawPixels, now_ns: int) -> Limits:
        held = self._follower.hold()
        if self._shutter.closed(counts) and held is not None:
            return held
        return self._follower.follow(self._wanted_limits(counts), counts, now_ns)

    def _wanted_limits(self, counts: RawPixels) -> Limits:
        """Find the smallest counts that at least the wanted shares of the pixels do not exceed."""
        cumulated = np.bincount(counts.ravel(), minlength=_COUNTS).cumsum()
        shares = np.array([self._settings.low_percentile, self._settings.high_percentile]) / 100
        low, high = np.searchsorted(cumulated, np.maximum(shares * counts.size, 1))
        return float(low), float(high)

    def _equalised(self, counts: RawPixels, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bend the linear share by the cumulated histogram, no bin of which counts for more than the plateau.

        The curve lies on the axis between the limits and takes up a tenth of every new one, so that it is as steady.
        """
        histogram = np.bincount((share[counts] * (_BINS - 1)).astype(np.intp).ravel(), minlength=_BINS)
        clipped = np.minimum(histogram, max(1.0, self._settings.plateau_percent / 100 * counts.size))
        curve = np.concatenate([[0.0], clipped.cumsum() / clipped.sum()])
        self._curve = curve if self._curve is None else 0.9 * self._curve + 0.1 * curve
        return np.interp(share, np.linspace(0, 1, _BINS + 1), self._curve)


def _mender(settings: ThermalSettings) -> Callable[[RawPixels], RawPixels]:
    if not settings.mend_dead_pixels:
        return lambda counts: counts
    from coconet.runtime.preprocess.dead_pixels import DeadPixels

    return DeadPixels().mend


def _clahe(pixels: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.createCLAHE(_CLAHE_CLIP, _CLAHE_TILES).apply(pixels), np.uint8).reshape(pixels.shape)


def _unfit(key: str, wanted: str, got: str, remedy: str) -> CoconetError:
    return CoconetError(f"[infrared] {key}", wanted=wanted, got=got, remedy=remedy)
