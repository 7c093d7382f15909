"""What happens to a pair between the cameras and the backend: thermal stretch, then alignment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from coconet.cards.model_card import FrontEnd
from coconet.media.palettes import warn_if_swapped
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.drift import DriftWatch
from coconet.runtime.preprocess.warp import Alignment


class Preparation:
    """Makes pairs fit for a backend: 8 bit, equal size."""

    def __init__(
        self,
        thermal: ThermalStretch,
        alignment: Alignment | None,
        names: tuple[str, str],
        drift: DriftWatch | None = None,
    ) -> None:
        """Join the two stages, of which the second may be missing; `names`, visible first, are for errors."""
        self._thermal, self._alignment, self._names, self._drift = thermal, alignment, names, drift

    def change(self, thermal: ThermalStretch | None = None, alignment: Alignment | None = None) -> None:
        """Prepare the pairs from now on otherwise; what is not given stays. Any thread may ask for it."""
        self._thermal, self._alignment = thermal or self._thermal, alignment or self._alignment

    @property
    def front_end(self) -> FrontEnd | None:
        """What infrared pictures go through now; None before the first."""
        return self._thermal.front_end

    @property
    def drift_px(self) -> float | None:
        """How far the alignment seems to be off, in visible pixels; None while that is not known or not looked at."""
        return None if self._drift is None else self._drift.drift_px

    def __call__(self, pair: FramePair) -> FramePair:
        """Return visible (H, W, 3 or 1) and infrared (H, W, 1), both uint8.

        Raises CoconetError that names both pictures where their sizes do not fit.
        """
        height, width = pair.visible.pixels.shape[:2]
        if "infrared" in pair.missing:
            return dataclasses.replace(pair, infrared=_blank(pair.infrared, height, width))
        if not pair.missing:
            warn_if_swapped(pair.visible.pixels, pair.infrared.palette, " and ".join(self._names))
        infrared = self._thermal.apply(pair.infrared)
        if self._alignment is None:
            return dataclasses.replace(pair, infrared=infrared)
        pixels = self._alignment.warp(infrared.pixels, (width, height), self._where(pair))
        prepared = dataclasses.replace(pair, infrared=dataclasses.replace(infrared, pixels=pixels))
        if self._drift is None or pair.missing:
            return prepared
        self._drift.look(prepared)
        return dataclasses.replace(prepared, notice=self._drift.notice)

    def _where(self, pair: FramePair) -> str:
        files = (frame.name for frame in (pair.visible, pair.infrared))
        return " and ".join(str(Path(name) / file) for name, file in zip(self._names, files, strict=True))


def _blank(frame: Frame, height: int, width: int) -> Frame:
    return dataclasses.replace(frame, pixels=np.zeros((height, width, 1), np.uint8))
