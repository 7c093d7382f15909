"""The thermal front end: raw counts become 8 bit pictures, steady from frame to frame."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from runtime.frame import Frame, Pixels

_COUNTS = 1 << 16


@dataclass(frozen=True)
class ThermalSettings:
    """How raw counts are stretched.

    low_percentile, high_percentile: the shares of the pixels, in percent, that may fall below black and above white.
    time_constant_s: how slowly the two limits follow the scene; after this time 63 % of a change is taken up.
    black_hot: the camera shows warm things dark; they are turned bright.
    """

    low_percentile: float = 0.5
    high_percentile: float = 99.5
    time_constant_s: float = 0.5
    black_hot: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low_percentile < self.high_percentile <= 100:
            raise CoconetError(
                "[infrared] agc_percentiles",
                wanted="a low and a higher one between 0 and 100",
                got=f"{self.low_percentile} and {self.high_percentile}",
                remedy="Use 0.5 and 99.5 unless the scene needs something else.",
            )


class ThermalStretch:
    """Turns infrared frames into (H, W, 1) uint8; it remembers the limits of the frames before, so use one a camera."""

    def __init__(self, settings: ThermalSettings | None = None) -> None:
        self._settings = settings or ThermalSettings()
        self._limits: NDArray[np.float64] | None = None
        self._last_ns = 0

    def apply(self, frame: Frame) -> Frame:
        """Stretch (H, W, 1) uint16 counts; uint8 passes as it is; black-hot ones are inverted."""
        pixels = self._stretched(frame) if frame.pixels.dtype == np.uint16 else frame.pixels
        if self._settings.black_hot:
            pixels = 255 - pixels
        return frame if pixels is frame.pixels else dataclasses.replace(frame, pixels=pixels)

    def _stretched(self, frame: Frame) -> Pixels:
        low, high = self._follow(self._wanted_limits(frame.pixels), frame.timestamp_ns)
        counts = np.arange(_COUNTS, dtype=np.float64)
        # A table is exact and takes a fifth of the time of arithmetic on every pixel.
        table = np.rint(np.clip((counts - low) / max(high - low, 1.0), 0, 1) * 255).astype(np.uint8)
        return table[frame.pixels]

    def _wanted_limits(self, pixels: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Find the smallest counts that at least the wanted shares of the pixels do not exceed."""
        cumulated = np.bincount(pixels.ravel(), minlength=_COUNTS).cumsum()
        shares = np.array([self._settings.low_percentile, self._settings.high_percentile]) / 100
        return np.searchsorted(cumulated, np.maximum(shares * pixels.size, 1)).astype(np.float64)

    def _follow(self, wanted: NDArray[np.float64], now_ns: int) -> tuple[float, float]:
        """Move the limits towards the wanted ones: a first-order low-pass over the time that has passed."""
        if self._limits is None:
            self._limits = wanted
        else:
            passed_s = max(now_ns - self._last_ns, 0) / 1e9
            self._limits = wanted + (self._limits - wanted) * math.exp(-passed_s / self._settings.time_constant_s)
        self._last_ns = now_ns
        low, high = self._limits
        return float(low), float(high)
