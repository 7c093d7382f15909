"""What meters read from one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.heat.heat_map import HeatMap
from coconet.runtime.heat.meter import MeterKind, MeterTable
from coconet.runtime.heat.temperature import SIGNS, Unit, in_unit

if TYPE_CHECKING:
    from coconet.runtime.heat.placing import Placing

Beyond = Literal["", "hotter", "colder"]
"""Whether something in a meter is hotter or colder than the camera can tell."""


@dataclass(frozen=True)
class Reading:
    """What one meter reads from one frame, in the unit of the thermometer; None is no number.

    value: the one that a label shows: of a spot its temperature, of hottest and coldest theirs, else the mean.
    min, mean, max: over the pixels that were measured. pixels: how many these are. share_above: how many of them are
    warmer than the meter's `above`, 0..1. at_px: the pixel of a spot, the hottest and the coldest, infrared.
    profile: along a line, pixel by pixel.
    beyond: what the picture holds is hotter, or colder, than the camera can tell, by more than `limit`; a statistic
    that this makes uncertain is None. blind: why there is no value, in words; empty if there is one.
    """

    name: str
    kind: MeterKind
    unit: Unit = "celsius"
    value: float | None = None
    min: float | None = None
    mean: float | None = None
    max: float | None = None
    pixels: int = 0
    share_above: float | None = None
    at_px: tuple[int, int] | None = None
    profile: tuple[float | None, ...] = ()
    beyond: Beyond = ""
    limit: float | None = None
    blind: str = ""

    def __str__(self) -> str:
        if self.value is not None:
            return f"{self.value:.1f} {SIGNS[self.unit]}"
        if self.beyond and self.limit is not None:
            return f"{'>' if self.beyond == 'hotter' else '<'} {self.limit:.1f} {SIGNS[self.unit]}"
        return self.blind


@dataclass(frozen=True)
class Heat:
    """The temperatures of a pair's infrared picture, and what the meters read there.

    source: gives the map; None while the camera tells no temperatures, and `blind` says why. placing: how the infrared
    picture lies on the visible one, or lay there while there was one; None if it does not. meters: what was read, one
    for each reading. celsius_at: the temperature of samples of this picture's camera; None while it tells none.
    """

    readings: tuple[Reading, ...]
    source: Callable[[], HeatMap] | None = field(default=None, repr=False)
    unit: Unit = "celsius"
    blind: str = ""
    placing: Placing | None = field(default=None, repr=False)
    meters: tuple[MeterTable, ...] = ()
    celsius_at: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = field(default=None, repr=False)

    @cached_property
    def map(self) -> HeatMap | None:
        """The temperature of every pixel; measured when it is first asked for, if no meter has needed it."""
        return None if self.source is None else self.source()

    @cached_property
    def temperatures(self) -> NDArray[np.float32] | None:
        """(H, W) in the unit of the thermometer, in infrared pixels, NaN if there is no number; None while blind."""
        if self.map is None:
            return None
        return self.map.celsius if self.unit == "celsius" else self._in_unit(self.map.celsius).astype(np.float32)

    def degrees_at(self, samples: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The temperature of samples, in the unit of the thermometer, NaN if there is none; None while blind."""
        return None if self.celsius_at is None else self._in_unit(self.celsius_at(samples))

    def _in_unit(self, celsius: NDArray[Any]) -> NDArray[Any]:
        zero, one = in_unit(0.0, self.unit), in_unit(1.0, self.unit)
        return celsius * (one - zero) + zero
