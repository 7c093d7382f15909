"""The meters of a rig: read from the counts of every pair, before the thermal front end makes a picture of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coconet.event_log import log_event, warn_once
from coconet.runtime.frame import STILL, Frame, FramePair
from coconet.runtime.heat.heat_map import HeatMap
from coconet.runtime.heat.measuring import read_region
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.reading import Heat, Reading
from coconet.runtime.heat.region import OUTSIDE, UNLAID, Region, region_of
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.pairing.camera_health import HealthLimits, HealthWatch

EIGHT_BIT = (
    "an 8 bit picture has no temperatures: the camera's gain control has taken them out; ask the camera for its "
    "counts, by a layout or a 16 bit format"
)

_MOST_REGIONS = 256

_UNFIT = {"shutter": "the infrared camera looks at its shutter", "frozen": "the infrared picture is frozen"}


def is_lasting(blind: str) -> bool:
    """Whether what a meter is blind by goes on for as long as camera and rig are as they are."""
    return blind == EIGHT_BIT or blind.startswith((UNLAID, OUTSIDE))


class Meters:
    """Reads meters from pair after pair; a picture of a shutter, and one that stands still, give no number.

    Any thread may change which meters there are.
    """

    def __init__(
        self, thermometer: Thermometer, meters: Sequence[MeterTable] = (), limits: HealthLimits | None = None
    ) -> None:
        """Read `meters`. limits: how long a picture may stay the same, as `[health]` has it."""
        self.thermometer, self.tables = thermometer, tuple(meters)
        self._watch = HealthWatch("infrared", thermal=True, limits=limits)
        self._last: tuple[int, int] | None = None
        self._placing: Placing | None = None
        self._blind: dict[str, str] = {}
        self._regions: dict[tuple[MeterTable, tuple[int, int], Placing | None], Region | str] = {}

    def change(self, meters: Sequence[MeterTable]) -> None:
        """Read other meters from the next pair on."""
        self.tables = tuple(meters)

    def read(self, pair: FramePair, dead: NDArray[np.intp], placing: Placing | None) -> Heat:
        """Read all meters from a pair as the cameras gave it. dead: flat indices of pixels known not to measure."""
        blind, tables, unit = self._why_blind(pair), self.tables, self.thermometer.settings.unit
        if "infrared" not in pair.missing:
            self._placing = placing
        if blind:
            none = tuple(Reading(one.name, one.kind, unit, blind=blind) for one in tables)
            # Meters stay where they were last shown: a shutter that closes must not take them off the picture.
            heat = Heat(none, None, unit, blind, self._placing, tables)
        else:
            picture = pair.infrared.pixels
            # Without a meter nothing is measured until a program asks for it.
            found = self.thermometer.measure(picture, dead) if tables else None
            readings = () if found is None else tuple(self._reading(one, found, placing) for one in tables)
            heat = Heat(
                readings,
                lambda: self.thermometer.measure(picture, dead) if found is None else found,
                unit,
                placing=placing,
                meters=tables,
                celsius_at=lambda samples: self.thermometer.celsius_at(samples, picture),
            )
        self._log_readings(heat.readings)
        return heat

    def _reading(self, table: MeterTable, found: HeatMap, placing: Placing | None) -> Reading:
        region, unit = self._region(table, found.size_px, placing), self.thermometer.settings.unit
        if isinstance(region, str):
            return Reading(table.name, table.kind, unit, blind=region)
        return read_region(table, region, found, unit)

    def _why_blind(self, pair: FramePair) -> str:
        if "infrared" in pair.missing:
            return f"the infrared camera is not live: {pair.notice}"
        if pair.infrared.pixels.dtype == np.uint8:
            warn_once(f"no temperatures: {EIGHT_BIT}.")
            return EIGHT_BIT
        return "" if pair.infrared.stamps == STILL else _UNFIT.get(self._state(pair.infrared), "")

    def _state(self, frame: Frame) -> str:
        """How the camera is by what its pictures show; one that is held for several pairs is looked at once."""
        if self._last != (frame.index, frame.timestamp_ns):
            self._last = frame.index, frame.timestamp_ns
            self._watch.note(frame, frame.timestamp_ns)
        return self._watch.state(frame.timestamp_ns)

    def _region(self, table: MeterTable, size_px: tuple[int, int], placing: Placing | None) -> Region | str:
        key = table, size_px, placing if table.pixels == "visible" else None
        if key not in self._regions:
            if len(self._regions) >= _MOST_REGIONS:
                self._regions.clear()
            self._regions[key] = region_of(table, size_px, placing)
        return self._regions[key]

    def _log_readings(self, readings: Sequence[Reading]) -> None:
        """Log which meters have become blind, and which see again."""
        for reading in readings:
            before = self._blind.get(reading.name, "")
            if bool(reading.blind) != bool(before):
                level = logging.WARNING if reading.blind else logging.INFO
                log_event("meter", level=level, name=reading.name, blind=reading.blind or None, reading=str(reading))
            self._blind[reading.name] = reading.blind
