"""Thermal scenes of known temperature, as counts of a camera of 100 counts a kelvin."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import RawPixels
from coconet.runtime.frame import Frame, FramePair

SIZE = (60, 80)
"""Height and width."""

DISC = (40, 30, 10)
"""Right, down and the radius of a warm disc, in pixels."""

WARM_C, COOL_C = 36.5, 20.0

PERIOD_NS = 40_000_000


def counts_of(celsius: object, per_kelvin: float = 100.0) -> RawPixels:
    """(H, W) degrees as (H, W, 1) uint16 counts of a TLinear camera."""
    kelvin = np.asarray(celsius, np.float64) + 273.15
    return np.rint(kelvin * per_kelvin).astype(np.uint16)[:, :, None]


def disc_c(warm_c: float = WARM_C, cool_c: float = COOL_C) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The temperatures of a warm disc before something cooler, (60, 80)."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    inside = (columns - DISC[0]) ** 2 + (rows - DISC[1]) ** 2 <= DISC[2] ** 2
    return np.where(inside, warm_c, cool_c)


def heat_pair(infrared: RawPixels, index: int = 0, **words: object) -> FramePair:
    """A pair whose infrared frame holds these counts, 40 ms after the one before."""
    stamp = index * PERIOD_NS
    visible = Frame(np.full((*infrared.shape[:2], 3), 90, np.uint8), stamp, index)
    return FramePair(visible, Frame(infrared, stamp, index), **words)  # type: ignore[arg-type]
