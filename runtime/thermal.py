"""The thermal front end: raw counts become 8 bit pictures, steady from frame to frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.front_end import FrontEnd
from runtime.frame import Frame, Pixels, RawPixels
from runtime.shutter import ShutterGuard
from runtime.stretch_limits import LimitFollower, Limits

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
        if self.time_constant_s <= 0:
            raise _unfit("agc_time_constant_s", "a time above 0", f"{self.time_constant_s:g}", "Use 0.5.")
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
    from runtime.dead_pixels import DeadPixels

    return DeadPixels().mended


def _clahe(pixels: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.createCLAHE(_CLAHE_CLIP, _CLAHE_TILES).apply(pixels), np.uint8).reshape(pixels.shape)


def _unfit(key: str, wanted: str, got: str, remedy: str) -> CoconetError:
    return CoconetError(f"[infrared] {key}", wanted=wanted, got=got, remedy=remedy)
