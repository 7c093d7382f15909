"""Automatic gain control: raw thermal counts become 8 bit pictures, between limits that follow the scene slowly."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.media.pixels import Pixels, RawPixels
from coconet.media.thermal import (
    LevelScale,
    equalising_curve,
    filled,
    scaled_alone,
    stretched,
    wanted_limits,
    with_holes,
)
from coconet.media.thermal_settings import Limits, ThermalSettings
from coconet.runtime.frame import STILL, Frame
from coconet.runtime.preprocess.ffc import ShutterGuard

if TYPE_CHECKING:
    from coconet.runtime.preprocess.dead_pixels import DeadPixels

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
        self._last_ns, self._count = 0, 0.0
        self._before: NDArray[np.float32] | None = None

    def hold(self) -> Limits | None:
        """The limits as they are, for a frame that says nothing about the scene; None before the first."""
        if self._limits is None or not self._count:
            return self._limits
        return self._limits[0] * self._count, self._limits[1] * self._count

    def follow(self, wanted: Limits, pixels: RawPixels, now_ns: int) -> Limits:
        """Move towards the wanted limits; where (H, W, 1) counts have jumped as a whole, jump with them first.

        Degrees are counts of another size: a thousandth of what the first picture spans.
        """
        sample = pixels[::_SAMPLE_STEP, ::_SAMPLE_STEP].astype(np.float32)
        if pixels.dtype == np.float32:
            self._count = self._count or max(wanted[1] - wanted[0], 1e-6) / 1000
            sample, wanted = sample / self._count, (wanted[0] / self._count, wanted[1] / self._count)
        low, high = self._followed(wanted, sample, now_ns)
        return (low, high) if not self._count else (low * self._count, high * self._count)

    def _followed(self, wanted: Limits, sample: NDArray[np.float32], now_ns: int) -> Limits:
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


class ThermalStretch:
    """Turns infrared frames into (H, W, 1) uint8; it remembers the frames before, so use one a camera.

    A scene that does not change moves by less than a level. A change is taken up over the time constant: from one frame
    to the next either limit moves by at most the share 1 - exp(-period / time constant) of the span, so a pixel of
    unchanged counts by at most 255 times that share for each limit that widens. A gain switch or the new offset after
    a shutter moves the limits with the counts, so that the picture stays as it was. While the shutter is closed the
    limits stand still.
    """

    def __init__(self, settings: ThermalSettings | None = None, limits: Limits | None = None) -> None:
        """Stretch by `settings`; limits: those of all pictures together, where range_of says `all`."""
        self._settings, self._common = settings or ThermalSettings(), limits
        self._follower = LimitFollower(self._settings.time_constant_s)
        self._shutter = ShutterGuard()
        self._curve: NDArray[np.float64] | None = None
        self._dead = _dead_pixels(self._settings)
        self._raw: bool | None = None
        self._range_of = self._settings.range_of
        self.palette = ""
        self._emissivity: float | None = None
        self._distance_m: float | None = None

    @property
    def front_end(self) -> FrontEnd | None:
        """What a model card says of this; None before the first frame, which tells whether the camera gives counts."""
        if self._raw is None:
            return None
        told = front_end_of(self._settings, raw_counts=self._raw, range_of=self._range_of or "", palette=self.palette)
        return dataclasses.replace(told, emissivity=self._emissivity, distance_m=self._distance_m)

    @property
    def dead_pixels(self) -> NDArray[np.intp]:
        """The pixels found dead so far, as flat indices; none without mend_dead_pixels."""
        return np.zeros(0, np.intp) if self._dead is None else self._dead.flat

    def apply(self, frame: Frame) -> Frame:
        """Stretch (H, W, 1) uint16 counts or float32 samples; uint8 passes as it is; black-hot ones are inverted.

        A still (Frame.stamps) is stretched by itself unless range_of says otherwise.
        """
        self._raw = frame.pixels.dtype != np.uint8
        self.palette = frame.palette or self.palette
        self._emissivity, self._distance_m = frame.emissivity, frame.distance_m
        if self._raw:
            pixels, scale = self._stretched(frame)
        else:
            pixels, scale = scaled_alone(frame.pixels, self._settings)
            if self._settings.range_of is not None:
                warn_once("range_of is for counts and temperatures; the infrared is 8 bit, and taken as it is.")
        return frame if pixels is frame.pixels else dataclasses.replace(frame, pixels=pixels, scale=scale)

    def _stretched(self, frame: Frame) -> tuple[Pixels, LevelScale | None]:
        self._range_of = self._settings.range_of or ("each" if frame.stamps == STILL else "follow")
        if self._range_of != "follow":
            return self._alone(frame)
        counts = with_holes(frame.pixels, self._settings.no_data)
        counts = self._mend(counts)
        limits = self._limits(counts, frame.timestamp_ns)
        curve = self._smooth_curve(counts, limits)
        return stretched(counts, limits, self._settings, curve), LevelScale.of(limits, self._settings, curve)

    def _alone(self, frame: Frame) -> tuple[Pixels, LevelScale | None]:
        if self._settings.mend_dead_pixels and frame.stamps == STILL:
            raise CoconetError(
                "[infrared] mend_dead_pixels",
                wanted="a video, in whose frames dead pixels can be told from the scene",
                got=f"stills, such as {frame.name}",
                remedy="Leave it out, or say by fps or range_of = follow that the folder is a video.",
                says=f"needs a video, in which dead pixels differ from the scene; {frame.name} is a still",
            )
        if self._range_of == "all" and self._common is None:
            raise CoconetError(
                "[infrared] range_of",
                wanted="a source that ends, to take one range from all of it",
                got="all, for a camera that goes on",
                remedy="Use follow, or say the range as LOW..HIGH.",
                says="is all, but this camera has no end to take one range from",
            )
        counts = frame.pixels if frame.stamps == STILL else self._mend(with_holes(frame.pixels, self._settings.no_data))
        return scaled_alone(counts, self._settings, self._common)

    def _mend(self, counts: RawPixels) -> RawPixels:
        return counts if self._dead is None else self._dead.repair(counts)

    def _limits(self, counts: RawPixels, now_ns: int) -> Limits:
        held, whole = self._follower.hold(), filled(counts)
        if self._shutter.closed(whole) and held is not None:
            return held
        return self._follower.follow(wanted_limits(counts, self._settings), whole, now_ns)

    def _smooth_curve(self, counts: RawPixels, limits: Limits) -> NDArray[np.float64] | None:
        """The curve lies on the axis between the limits and takes up a tenth of every new one, so it is as steady."""
        if self._settings.contrast != "plateau":
            return None
        curve = equalising_curve(counts, limits, self._settings)
        self._curve = curve if self._curve is None else 0.9 * self._curve + 0.1 * curve
        return self._curve


def front_end_of(settings: ThermalSettings, *, raw_counts: bool, range_of: str, palette: str) -> FrontEnd:
    """What a card says of pictures that came through these settings."""
    return FrontEnd(
        raw_counts,
        (settings.low_percentile, settings.high_percentile),
        settings.time_constant_s,
        settings.contrast,
        settings.plateau_percent,
        settings.mend_dead_pixels,
        settings.black_hot,
        range_of if raw_counts else "",
        settings.no_data,
        palette,
    )


def _dead_pixels(settings: ThermalSettings) -> DeadPixels | None:
    if not settings.mend_dead_pixels:
        return None
    from coconet.runtime.preprocess.dead_pixels import DeadPixels

    return DeadPixels()
