"""Thermal samples made 8 bit: counts or temperatures between two limits; pixels without data are holes, not heat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coconet.event_log import warn_once
from coconet.media.pixels import Pixels, RawPixels
from coconet.media.thermal_settings import HUGE, Limits, ThermalSettings

if TYPE_CHECKING:
    from typing_extensions import Self

BINS = 256

_COUNTS = 1 << 16

_CLAHE_CLIP, _CLAHE_TILES = 2.0, (8, 8)

_NO_DATA_SIGNED = (-9999.0, -32768.0)

_NO_DATA_FLOAT = (-9999.0, -99999.0, -32768.0)

_KELVIN = 150.0  # in no scene on earth anything is colder


@dataclass(frozen=True)
class LevelScale:
    """Which samples the levels of a stretched picture stand for.

    limits: those of level 0 and of level 255, before black_hot turns them. curve: of the contrast plateau, as
    `stretched` takes it.
    """

    limits: Limits
    curve: NDArray[np.float64] | None = None
    black_hot: bool = False

    @classmethod
    def of(cls, limits: Limits, settings: ThermalSettings, curve: NDArray[np.float64] | None = None) -> Self | None:
        """The scale of a picture; None for clahe, in which a level stands for something else in every tile."""
        return None if settings.contrast == "clahe" else cls(limits, curve, settings.black_hot)

    def samples_at(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The samples that levels of 0..255 stand for."""
        share = np.asarray(levels, np.float64) / 255
        share = 1 - share if self.black_hot else share
        if self.curve is not None:
            share = np.interp(share, self.curve, np.linspace(0, 1, len(self.curve)))
        low, high = self.limits
        return low + share * (high - low)


def with_holes(samples: RawPixels, no_data: tuple[float, ...] = ()) -> RawPixels:
    """Give (H, W, 1) samples, NaN for pixels without data; uint8 and uint16 that have no such pixels stay unchanged.

    Signed and floating numbers become float32. No data are NaN, infinity, what `no_data` lists, -9999 and the other
    usual fillers of signed and floating pictures, and 0 among temperatures in Kelvin.
    """
    if samples.dtype in (np.uint8, np.uint16):
        if not no_data:
            return samples
        empty = np.isin(samples, no_data)
        if not empty.any():
            return samples
        values = samples.astype(np.float32)
    else:
        samples = samples.astype(np.float32) if samples.dtype == np.float16 else samples
        usual = _NO_DATA_FLOAT if samples.dtype.kind == "f" else _NO_DATA_SIGNED
        empty = np.isin(samples, (*usual, *no_data))
        if samples.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                empty |= ~(np.abs(samples) < HUGE) | _zero_kelvin(samples, empty)
        with np.errstate(over="ignore", invalid="ignore"):
            values = samples.astype(np.float32)
    values[empty] = np.nan
    return values


def _zero_kelvin(samples: RawPixels, empty: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Zeros among what is else all above 150: temperatures in Kelvin, with pixels that were not measured."""
    zeros = samples == 0
    rest = samples[~zeros & ~empty & np.isfinite(samples)]
    kelvin = bool(zeros.any() and rest.size and rest.min() >= _KELVIN and rest.max() < 10 * _KELVIN)
    return zeros if kelvin else np.zeros_like(empty)


def filled(samples: RawPixels) -> RawPixels:
    """Close holes by the median of what was measured; whole numbers come back as they are."""
    if samples.dtype != np.float32 or not (holes := np.isnan(samples)).any():
        return samples
    return np.where(holes, np.float32(0 if holes.all() else np.median(samples[~holes])), samples)


def wanted_limits(counts: RawPixels, settings: ThermalSettings) -> Limits:
    """Find the smallest samples that at least the wanted shares of the measured pixels do not exceed."""
    shares = np.array([settings.low_percentile, settings.high_percentile]) / 100
    if counts.dtype == np.uint16:
        cumulated = np.bincount(counts.ravel(), minlength=_COUNTS).cumsum()
        low, high = np.searchsorted(cumulated, np.maximum(shares * counts.size, 1))
        return float(low), float(high)
    ordered = np.sort(counts[np.isfinite(counts)], axis=None)
    if not ordered.size:
        warn_once(
            "an infrared picture without a single measurement is taken as black: every sample is NaN or a no-data "
            "value. Check the file, and no_data."
        )
        return 0.0, 0.0
    low, high = ordered[np.ceil(np.maximum(shares * ordered.size, 1)).astype(np.intp) - 1]
    return float(low), float(high)


def common_limits(pictures: Iterable[RawPixels], settings: ThermalSettings) -> Limits | None:
    """The limits of all pictures together, None if all are 8 bit; of floating ones every picture weighs the same."""
    histogram, samples = np.zeros(_COUNTS, np.int64), list[NDArray[np.float32]]()
    for picture in pictures:
        counts = with_holes(picture, settings.no_data) if picture.dtype != np.uint8 else picture
        if counts.dtype == np.uint16:
            histogram += np.bincount(counts.ravel(), minlength=_COUNTS)
        elif counts.dtype == np.float32 and (measured := counts[np.isfinite(counts)]).size:
            samples.append(np.quantile(measured, np.linspace(0, 1, 1025)).astype(np.float32))
    if samples:
        if histogram.any():
            present = np.flatnonzero(histogram)
            samples.append(np.repeat(present, np.ceil(1025 * histogram[present] / histogram.sum()).astype(np.intp)))
        return wanted_limits(np.concatenate(samples).astype(np.float32), settings)
    if not histogram.any():
        return None
    shares = np.array([settings.low_percentile, settings.high_percentile]) / 100
    low, high = np.searchsorted(histogram.cumsum(), np.maximum(shares * histogram.sum(), 1))
    return float(low), float(high)


def stretched(
    counts: RawPixels, limits: Limits, settings: ThermalSettings, curve: NDArray[np.float64] | None = None
) -> Pixels:
    """Bring (H, W, 1) uint16 or float32 to uint8 between two limits; holes are 0, whichever way round heat is shown.

    curve: the cumulated histogram over the axis between the limits, BINS + 1 numbers, for the contrast plateau;
    the picture's own if not given.
    """
    share = shares_of(counts, limits)
    if settings.contrast == "plateau":
        drawn = equalising_curve(counts, limits, settings) if curve is None else curve
        share = np.interp(share, np.linspace(0, 1, BINS + 1), drawn)
    levels = np.rint(share * 255)
    if counts.dtype == np.uint16:
        # A table is exact and takes a fifth of the time of arithmetic on every pixel.
        pixels: Pixels = levels.astype(np.uint8)[counts]
    else:
        pixels = np.nan_to_num(levels, nan=0.0).astype(np.uint8)
    if settings.contrast == "clahe":
        pixels = _clahe(pixels)
    if settings.black_hot:
        pixels = 255 - pixels
    if counts.dtype == np.float32:
        pixels[np.isnan(counts)] = 0
    return pixels


def shares_of(counts: RawPixels, limits: Limits) -> NDArray[np.float64]:
    """Where samples lie between the limits, 0..1: of uint16 a table of all 65536 counts, else one for each pixel."""
    low, high = limits
    if counts.dtype == np.uint16:
        return np.clip((np.arange(_COUNTS, dtype=np.float64) - low) / max(high - low, 1.0), 0, 1)
    span = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-12)
    return np.clip((counts.astype(np.float64) - low) / span, 0, 1)


def equalising_curve(counts: RawPixels, limits: Limits, settings: ThermalSettings) -> NDArray[np.float64]:
    """The cumulated histogram over the axis between the limits, no bin of which counts for more than the plateau."""
    share = shares_of(counts, limits)
    measured = share[counts] if counts.dtype == np.uint16 else share[np.isfinite(share)]
    histogram = np.bincount((measured * (BINS - 1)).astype(np.intp).ravel(), minlength=BINS)
    clipped = np.minimum(histogram, max(1.0, settings.plateau_percent / 100 * measured.size))
    return np.concatenate([[0.0], clipped.cumsum() / max(clipped.sum(), 1.0)])


def stretched_alone(counts: RawPixels, settings: ThermalSettings, limits: Limits | None = None) -> Pixels:
    """A still by itself, or between limits from elsewhere: (H, W, 1) of any sample type to uint8.

    8 bit pictures pass as they are but for black_hot.
    """
    return scaled_alone(counts, settings, limits)[0]


def scaled_alone(
    counts: RawPixels, settings: ThermalSettings, limits: Limits | None = None
) -> tuple[Pixels, LevelScale | None]:
    """What `stretched_alone` gives, and which samples its levels stand for; None if nobody can say that."""
    if counts.dtype == np.uint8:
        return 255 - counts if settings.black_hot else counts, LevelScale((0.0, 255.0), black_hot=settings.black_hot)
    measured = with_holes(counts, settings.no_data)
    fixed = settings.fixed_limits()
    if fixed and not ((measured > fixed[0]) & (measured < fixed[1])).any():
        warn_once(
            f"range_of = {settings.range_of}: no sample of an infrared picture lies within it, so it is all black or "
            "white. Say the range in the unit of the picture: counts, or the degrees of the file."
        )
    limits = fixed or limits or wanted_limits(measured, settings)
    curve = equalising_curve(measured, limits, settings) if settings.contrast == "plateau" else None
    return stretched(measured, limits, settings, curve), LevelScale.of(limits, settings, curve)


def _clahe(pixels: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.createCLAHE(_CLAHE_CLIP, _CLAHE_TILES).apply(pixels), np.uint8).reshape(pixels.shape)
