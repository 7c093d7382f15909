"""Temperatures from Python: counts of any source in, degrees and what meters read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.config import Checked, check_fields
from coconet.errors import CoconetError
from coconet.runtime.arguments import check_type
from coconet.runtime.frame import STILL, Frame, FramePair
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.reading import Heat
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer


class _Measurement(Checked):
    """The arguments of measure, named as in a rig file."""

    temperature: TemperatureTable
    meter: tuple[MeterTable, ...] = ()


def measure(counts: NDArray[Any], temperature: Mapping[str, Any], meters: Sequence[Mapping[str, Any]] = ()) -> Heat:
    """Turn raw thermal counts into degrees, and read meters from them.

    counts: (H, W) or (H, W, 1), uint16 counts or float32 samples; read, not changed. temperature, meters: the keys of
    `[infrared.temperature]` and of each `[[meter]]`, as a rig file has them; visible pixels are the same ones.
    What comes back has `temperatures`, (H, W) float32 in the unit asked for, NaN if there is no number, and
    `readings`, one for each meter. A picture alone cannot be told from one of a shutter: rigs are, and their pairs
    carry the same as `pair.heat`.
    Raises CoconetError for settings that do not fit, for two meters of one name, and for counts of another
    type or shape, such as uint8.
    """
    wanted = "a numpy array of uint16 or float32, shaped (height, width) or (height, width, 1)"
    if not isinstance(counts, np.ndarray) or counts.dtype not in (np.uint16, np.float32):
        got = f"samples of type {counts.dtype}" if isinstance(counts, np.ndarray) else f"a {type(counts).__name__}"
        remedy = "Give the counts of the camera; pictures of 8 bits have no temperatures."
        raise CoconetError("counts", wanted=wanted, got=got, remedy=remedy, says=f"must be {wanted}, not {got}")
    if isinstance(counts, np.ma.MaskedArray):
        remedy = "Fill its holes first: counts.astype(numpy.float32).filled(numpy.nan)."
        raise CoconetError(
            "counts",
            wanted=wanted,
            got="a masked array",
            remedy=remedy,
            says="is a masked array, whose holes have no values",
        )
    pixels = counts[:, :, None] if counts.ndim == 2 else counts
    if pixels.ndim != 3 or pixels.shape[2] != 1 or not pixels.size:
        raise CoconetError(
            "counts",
            wanted=wanted,
            got=f"shape {counts.shape}",
            remedy="Give one picture of counts.",
            says=f"has shape {counts.shape}; expected (height, width) or (height, width, 1)",
        )
    check_type("meters", meters, Sequence, "a sequence of tables", 'For example [{"name": "all", "kind": "hottest"}].')
    settings = check_fields(_Measurement, {"temperature": temperature, "meter": list(meters)}, "measure")
    names = [meter.name for meter in settings.meter]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CoconetError(
            "meters",
            wanted="each name once",
            got=f"{twice[0]} twice",
            says=f"has two called {twice[0]}",
            remedy="Give every meter its own name.",
        )
    frame = Frame(np.ascontiguousarray(pixels), 0, 0, stamps=STILL)
    gauge = Meters(Thermometer(settings.temperature), settings.meter)
    return gauge.read(FramePair(frame, frame), np.zeros(0, np.intp), Placing())
