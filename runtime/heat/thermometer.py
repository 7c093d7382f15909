"""The thermometer of an infrared camera: raw counts become degrees, or, where a wrong number would come out, none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import RawPixels
from coconet.media.thermal import with_holes
from coconet.runtime.heat.heat_map import HeatMap, Mask
from coconet.runtime.heat.radiance import CELSIUS_0, Array
from coconet.runtime.heat.temperature import KELVIN_PER_COUNT, TemperatureTable

_COUNTS = 1 << 16

_LEAST_SCENE_K = 150.0  # no scene on earth is colder: counts that would make it so are those of the low gain

_SAMPLE_STEP = 8  # every eighth pixel each way tells the middle of a picture as well as all of them

_MOST_K = 1e4

_NOTHING: NDArray[np.intp] = np.zeros(0, np.intp)


@dataclass(frozen=True)
class _CountTable:
    """The temperature of every count, (65536,), and the lowest and the highest count that has one."""

    celsius: NDArray[np.float32]
    lowest: int
    highest: int
    coldest_c: float | None
    hottest_c: float | None


class Thermometer:
    """Turns (H, W, 1) uint16 counts or float32 samples into a HeatMap, picture by picture.

    Of uint16 every count is looked up in a table of all 65536, which is exact; 0 stands for no measurement.
    """

    def __init__(self, settings: TemperatureTable, no_data: tuple[float, ...] = ()) -> None:
        """Measure by `settings`; no_data: further samples that are no measurements, as `[infrared]` has them."""
        self.settings, self._no_data = settings, no_data
        self._tables: dict[float, _CountTable] = {}
        self._dead_of: tuple[tuple[int, int], NDArray[np.intp]] | None = None

    def measure(self, pixels: RawPixels, dead: NDArray[np.intp] = _NOTHING) -> HeatMap:
        """The temperatures of one picture. dead: flat indices of pixels that are known not to measure.

        Raises ValueError for uint8, which holds what a camera shows and not what it measures.
        """
        if pixels.dtype == np.uint8:
            raise ValueError("8 bit pictures have no temperatures")
        counts = pixels[:, :, 0]
        step = self._kelvin_per_count(counts)
        if counts.dtype == np.uint16:
            found = self._looked_up(counts, step)
        else:
            found = self._computed(np.asarray(with_holes(pixels, self._no_data)[:, :, 0], np.float64), step)
        return self._without(found, dead)

    def celsius_of(self, samples: Array, step: float) -> Array:
        """The temperature of the object that gives these samples, by the scheme alone, whatever is valid.

        step: kelvins a count, of the schemes that have one. NaN for what no object gives.
        """
        settings = self.settings
        if settings.scheme == "linear":
            apparent = settings.scale * samples + settings.offset + CELSIUS_0
        elif settings.scheme == "table":
            counts, degrees = np.array(settings.table).T
            apparent = np.interp(samples, counts, degrees, left=np.nan, right=np.nan) + CELSIUS_0
        elif settings.planck is not None:
            planck = settings.planck
            apparent = settings.band.kelvin(planck.r2 * (samples + planck.o) / planck.r1)
        else:
            apparent = samples * step
        kelvin = settings.path.object_kelvin(apparent, settings.band)
        with np.errstate(invalid="ignore"):
            celsius: Array = np.where((kelvin > 0) & (kelvin < _MOST_K), kelvin - CELSIUS_0, np.nan)
        return celsius

    def celsius_at(self, samples: Array, pixels: RawPixels) -> Array:
        """The temperature of samples in the gain that the camera is in at a picture; NaN for what no object gives."""
        return self.celsius_of(np.asarray(samples, np.float64), self._kelvin_per_count(pixels[:, :, 0]))

    def _kelvin_per_count(self, counts: RawPixels) -> float:
        """The step of the gain that the camera is in; 0 of schemes without one."""
        settings = self.settings
        if settings.scheme not in KELVIN_PER_COUNT:
            return 0.0
        high, low = settings.kelvin_per_count or KELVIN_PER_COUNT[settings.scheme]
        if settings.gain != "auto":
            return high if settings.gain == "high" else low
        sample = counts[::_SAMPLE_STEP, ::_SAMPLE_STEP]
        measured = sample[sample > 0]
        return low if measured.size and float(np.median(measured)) * high < _LEAST_SCENE_K else high

    def _looked_up(self, counts: RawPixels, step: float) -> HeatMap:
        table = self._table(step)
        over, under = _any(counts > table.highest), _any((counts < table.lowest) & (counts > 0))
        if self._no_data:
            empty = np.isin(counts, self._no_data)
            over, under = _less(over, empty), _less(under, empty)
        return _map_of(np.take(table.celsius, counts), over, under, (table.coldest_c, table.hottest_c))

    def _table(self, step: float) -> _CountTable:
        """The temperature of every count; limits are the valid counts that the formula has a temperature for."""
        if step not in self._tables:
            counts = np.arange(_COUNTS)
            celsius = self.celsius_of(counts.astype(np.float64), step)
            low, high = self.settings.valid_counts or (1.0, _COUNTS - 2.0)
            celsius[(counts < max(low, 1.0)) | (counts > high)] = np.nan
            told = np.flatnonzero(np.isfinite(celsius))
            lowest, highest = (int(told[0]), int(told[-1])) if told.size else (1, _COUNTS - 2)
            limits = _number(celsius[lowest]), _number(celsius[highest])
            celsius[np.isin(counts, self._no_data)] = np.nan
            self._tables[step] = _CountTable(celsius.astype(np.float32), lowest, highest, *limits)
        return self._tables[step]

    def _computed(self, samples: Array, step: float) -> HeatMap:
        celsius = self.celsius_of(samples, step).astype(np.float32)
        limits = self.settings.valid_counts
        if limits is None and self.settings.table:
            limits = self.settings.table[0][0], self.settings.table[-1][0]
        if limits is None:
            return _map_of(celsius, None, _any(np.isnan(celsius) & ~np.isnan(samples)), (None, None))
        with np.errstate(invalid="ignore"):
            over = samples > limits[1]
            celsius[over | (samples < limits[0])] = np.nan
        under = np.isnan(celsius) & ~np.isnan(samples) & ~over
        coldest, hottest = (_number(one) for one in self.celsius_of(np.array(limits, np.float64), step))
        return _map_of(celsius, _any(over), _any(under), (coldest, hottest))

    def _without(self, found: HeatMap, learnt: NDArray[np.intp]) -> HeatMap:
        """Take the numbers of dead pixels away: those the rig names, and those that were found."""
        dead = self._named_dead(found.size_px)
        if learnt.size:
            dead = np.union1d(dead, learnt[learnt < found.celsius.size])
        if not dead.size:
            return found
        found.celsius.reshape(-1)[dead] = np.nan
        for mask in (found.over, found.under):
            if mask is not None:
                mask.reshape(-1)[dead] = False
        over, under = _any(found.over), _any(found.under)
        return HeatMap(found.celsius, over, under, found.hottest_c, found.coldest_c, holes=True)

    def _named_dead(self, size_px: tuple[int, int]) -> NDArray[np.intp]:
        if self._dead_of is None or self._dead_of[0] != size_px:
            width, height = size_px
            inside = [y * width + x for x, y in self.settings.dead_px if 0 <= x < width and 0 <= y < height]
            self._dead_of = size_px, np.array(inside, np.intp)
        return self._dead_of[1]


def _map_of(
    celsius: NDArray[np.float32], over: Mask | None, under: Mask | None, limits: tuple[float | None, float | None]
) -> HeatMap:
    """A map, the right way round where counts fall with warmth. limits: at the lowest and at the highest count."""
    low, high = limits
    if low is not None and high is not None and low > high:
        low, high, over, under = high, low, under, over
    return HeatMap(celsius, over, under, high, low, holes=bool(np.isnan(celsius).any()))


def _any(mask: Mask | None) -> Mask | None:
    return mask if mask is not None and bool(mask.any()) else None


def _less(mask: Mask | None, other: Mask) -> Mask | None:
    return None if mask is None else _any(mask & ~other)


def _number(celsius: float) -> float | None:
    return float(celsius) if np.isfinite(celsius) else None
