"""Measuring: what a meter reads from a heat map, and why it reads nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.heat.heat_map import HeatMap, Mask
from coconet.runtime.heat.meter import VALUE_OF, MeterTable
from coconet.runtime.heat.reading import Beyond, Reading
from coconet.runtime.heat.region import Region
from coconet.runtime.heat.temperature import Unit, in_celsius, in_unit

Celsius = NDArray[np.float32]

_SHOWN_DIGITS = 4  # of a number: a thousandth of the finest step of any camera is noise


def read_region(meter: MeterTable, region: Region, heat: HeatMap, unit: Unit) -> Reading:
    """Read a meter; a statistic that is uncertain, by what the camera cannot tell, gets no number.

    Of a picture in which something is too hot to be told the maximum and the mean are unknown, and the minimum is not.
    """
    celsius: Celsius = np.asarray(region.cut(heat.celsius), np.float32)
    over, under = _part(heat.over, region), _part(heat.under, region)
    measured = ~np.isnan(celsius) if heat.holes or region.mask is not None else None
    if measured is not None and region.mask is not None:
        measured &= region.mask
    count = celsius.size if measured is None else int(np.count_nonzero(measured))
    hotter, colder = over is not None, under is not None
    beyond: Beyond = "hotter" if hotter else "colder" if colder else ""
    limit_c = heat.hottest_c if hotter else heat.coldest_c if colder else None
    numbers = _Numbers(celsius, measured, count, unit)
    known = {
        "min": None if colder else numbers.lowest,
        "max": None if hotter else numbers.highest,
        "mean": None if hotter or colder else numbers.mean,
    }
    statistic = VALUE_OF[meter.kind]
    value = known[statistic]
    at = numbers.place(meter, over if hotter else None, under if colder else None)
    return Reading(
        meter.name,
        meter.kind,
        unit,
        value,
        known["min"],
        known["mean"],
        known["max"],
        pixels=count,
        share_above=_share_above(meter, numbers, over, under, heat),
        at_px=None if at is None else region.place(at),
        profile=numbers.profile if meter.kind == "line" else (),
        beyond=beyond,
        limit=None if limit_c is None else _rounded(in_unit(limit_c, unit)),
        blind="" if value is not None else _why(beyond, count),
    )


class _Numbers:
    """The statistics of the pixels of a meter, in degrees of the thermometer."""

    def __init__(self, celsius: Celsius, measured: Mask | None, count: int, unit: Unit) -> None:
        self._celsius, self._measured, self.count, self.unit = celsius, measured, count, unit

    @property
    def values(self) -> Celsius:
        return self._celsius if self._measured is None else self._celsius[self._measured]

    @property
    def lowest(self) -> float | None:
        return self._in_unit(float(self.values.min())) if self.count else None

    @property
    def highest(self) -> float | None:
        return self._in_unit(float(self.values.max())) if self.count else None

    @property
    def mean(self) -> float | None:
        return self._in_unit(float(self.values.mean(dtype=np.float64))) if self.count else None

    @property
    def profile(self) -> tuple[float | None, ...]:
        return tuple(None if np.isnan(one) else self._in_unit(float(one)) for one in self._celsius.ravel())

    def place(self, meter: MeterTable, over: Mask | None, under: Mask | None) -> int | None:
        """The flat index of what a spot, the hottest or the coldest is at; of what is beyond the limits, the first."""
        if meter.kind == "spot":
            return 0
        if meter.kind not in ("hottest", "coldest"):
            return None
        beyond = over if meter.kind == "hottest" else under
        if beyond is not None:
            return int(np.argmax(beyond))
        if not self.count:
            return None
        hottest = meter.kind == "hottest"
        celsius = self._celsius
        if self._measured is not None:
            celsius = np.where(self._measured, celsius, np.float32(-np.inf if hottest else np.inf))
        return int(celsius.argmax() if hottest else celsius.argmin())

    def _in_unit(self, celsius: float) -> float:
        return _rounded(in_unit(celsius, self.unit))


def _part(mask: Mask | None, region: Region) -> Mask | None:
    """What lies within the region; None if that is nothing."""
    if mask is None:
        return None
    part: Mask = np.asarray(region.cut(mask), np.bool_)
    if region.mask is not None:
        part = part & region.mask
    return part if bool(part.any()) else None


def _share_above(
    meter: MeterTable, numbers: _Numbers, over: Mask | None, under: Mask | None, heat: HeatMap
) -> float | None:
    """How many pixels are warmer than the meter's limit; those beyond what can be told count if that is certain."""
    if meter.above is None:
        return None
    above_c = in_celsius(meter.above, numbers.unit)
    hotter, colder = (0 if mask is None else int(np.count_nonzero(mask)) for mask in (over, under))
    sure_hot = not hotter or (heat.hottest_c is not None and heat.hottest_c >= above_c)
    sure_cold = not colder or (heat.coldest_c is not None and heat.coldest_c <= above_c)
    total = numbers.count + hotter + colder
    if not total or not (sure_hot and sure_cold):
        return None
    return (int(np.count_nonzero(numbers.values > above_c)) + hotter) / total


def _why(beyond: Beyond, count: int) -> str:
    if beyond:
        return f"something is {beyond} than the camera can tell"
    return "no pixel is measured" if not count else ""


def _rounded(number: float) -> float:
    return round(number, _SHOWN_DIGITS)
