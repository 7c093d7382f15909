"""A reading of a sensor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What a sensor says at one moment; None for what it does not know.

    throttled: whether something holds the clock down below what was asked for.
    """

    power_w: float | None = None
    clock_mhz: float | None = None
    temperature_c: float | None = None
    throttled: bool | None = None
