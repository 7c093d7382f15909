"""A sensor of power, clocks and temperature: the contract of all of them, and what one reads at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Reading:
    """What a sensor says at one moment; None for what it does not know.

    throttled: whether something holds the clock down below what was asked for.
    """

    power_w: float | None = None
    clock_mhz: float | None = None
    temperature_c: float | None = None
    throttled: bool | None = None


class Sensor(Protocol):
    """Something that can be read many times a second; `source` says what it is, for reports."""

    source: str

    def read(self) -> Reading:
        """Read now."""

    def device_mib(self, pid: int) -> float | None:
        """The GPU memory that a process holds, in MiB; None if nobody says."""

    def close(self) -> None:
        """Release what is held."""
