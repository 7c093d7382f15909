"""What happens to a pair between the cameras and the backend: thermal stretch, then alignment or fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.event_log import log_event, note_once
from coconet.media.palettes.recognition import warn_if_swapped
from coconet.runtime.balance import AS_MADE
from coconet.runtime.frame import STILL, Frame, FramePair
from coconet.runtime.heat.placing import Placing
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.drift import DriftWatch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.warp import Alignment

if TYPE_CHECKING:
    from coconet.runtime.heat.meters import Meters


class Preparation:
    """Makes pairs fit for a backend: 8 bit, equal size, which may change from pair to pair."""

    def __init__(
        self,
        thermal: ThermalStretch,
        placement: Placement | None,
        names: tuple[str, str],
        drift: DriftWatch | None = None,
        meters: Meters | None = None,
    ) -> None:
        """Join the two stages, of which the second may be missing; `names`, visible first, are for errors.

        meters: what reads temperatures from the counts, before both stages.
        """
        self._thermal, self._placement, self._names, self._drift = thermal, placement, names, drift
        self.meters, self._heat_percent = meters, AS_MADE
        self._told: str | None = None
        self._model_warps = False

    def leave_alignment_to_model(self) -> None:
        """Give infrared pictures of their own size from now on, with the alignment as the `warp` of their pair.

        A fit, which is none, is still done here.
        """
        self._model_warps = True

    def change(
        self,
        thermal: ThermalStretch | None = None,
        alignment: Alignment | None = None,
        heat_percent: float | None = None,
    ) -> None:
        """Prepare the pairs from now on otherwise; what is not given stays. Any thread may ask for it."""
        self._thermal = thermal or self._thermal
        self._heat_percent = self._heat_percent if heat_percent is None else heat_percent
        if alignment is not None and self._placement is not None:
            self._placement = Placement(alignment, self._placement.fit)

    @property
    def front_end(self) -> FrontEnd | None:
        """What infrared pictures go through now; None before the first."""
        return self._thermal.front_end

    @property
    def drift_px(self) -> float | None:
        """How far the alignment seems to be off, in visible pixels; None while that is not known or not looked at."""
        return None if self._drift is None else self._drift.drift_px

    def __call__(self, pair: FramePair) -> FramePair:
        """Return visible (H, W, 3 or 1) and infrared (H, W, 1), both uint8; infrared (h, w, 1) with a `warp`.

        With it come the infrared frame as it was, and, if there are meters, what they read from it.
        An infrared picture that cannot be laid onto the visible one, after others that could, is missing from its pair:
        a camera was switched to other proportions than the alignment was found for.
        Raises CoconetError that names both pictures if their sizes do not fit from the start, and the visible camera if
        it does not give uint8.
        """
        prepared = self._prepared(pair)
        placing = None if "infrared" in prepared.missing else self._placing(pair)
        heat = None if self.meters is None else self.meters.read(pair, self._thermal.dead_pixels, placing)
        percent = self._heat_percent
        return dataclasses.replace(
            prepared, raw_infrared=pair.infrared, heat=heat, placing=placing, heat_percent=percent
        )

    def _prepared(self, pair: FramePair) -> FramePair:
        height, width = pair.visible.pixels.shape[:2]
        if "infrared" in pair.missing:
            return dataclasses.replace(pair, infrared=_blank(pair.infrared, height, width))
        if "visible" not in pair.missing and pair.visible.pixels.dtype != np.uint8:
            raise CoconetError(
                self._names[0],
                wanted="a visible camera, of 8 bit",
                got=f"pixels of {pair.visible.pixels.dtype}",
                remedy="Swap the two sides; or if it is the visible one, bring its pictures to 8 bit first.",
                says="is named as the visible side, and gives counts of 16 bit, as thermal cameras do",
            )
        if not pair.missing:
            warn_if_swapped(pair.visible.pixels, pair.infrared.palette, " and ".join(self._names))
        infrared = self._thermal.apply(pair.infrared)
        if self._placement is None:
            return dataclasses.replace(pair, infrared=infrared)
        try:
            prepared = self._laid(self._placement, dataclasses.replace(pair, infrared=infrared))
        except CoconetError as error:
            if self._told is None or STILL in (pair.visible.stamps, pair.infrared.stamps):
                raise
            return _unlaid(pair, error)
        self._log_once(self._placement.told, infrared)
        return self._watched(prepared)

    def _laid(self, placement: Placement, pair: FramePair) -> FramePair:
        """The pair with its infrared picture laid onto the visible one, or with the `warp` that is to lay it."""
        infrared, (height, width) = pair.infrared.pixels, pair.visible.pixels.shape[:2]
        if self._model_warps:
            by = placement.laid_by((infrared.shape[1], infrared.shape[0]), (width, height), self._where(pair))
            if isinstance(by, Alignment):
                return dataclasses.replace(pair, warp=by)
        pixels = placement.lay(infrared, (width, height), self._where(pair))
        return dataclasses.replace(pair, infrared=dataclasses.replace(pair.infrared, pixels=pixels))

    def _placing(self, pair: FramePair) -> Placing | None:
        """How the infrared picture of a pair that was laid lies; None between unequal sizes that nothing lays."""
        sizes = [(one.pixels.shape[1], one.pixels.shape[0]) for one in (pair.infrared, pair.visible)]
        if self._placement is None:
            return Placing() if sizes[0] == sizes[1] else None
        by = self._placement.laid_by(sizes[0], sizes[1], self._names[1])  # it was laid already, so it does not fail
        if isinstance(by, Alignment):
            return Placing(by_alignment=by)
        return Placing(by_fit=by, infrared_px=sizes[0])

    def _watched(self, prepared: FramePair) -> FramePair:
        if self._drift is None or prepared.missing:
            return prepared
        self._drift.look(prepared)
        return dataclasses.replace(prepared, notice=self._drift.notice)

    def _log_once(self, told: str, infrared: Frame) -> None:
        """Say how pictures are laid, at first and when that changes; stills, each of its own size, say it once."""
        if told == self._told or (self._told and infrared.stamps == STILL):
            return
        if told:
            note_once(told)
        elif self._told:
            log_event("fit", trouble="the pictures are of equal size again")
        self._told = told

    def _where(self, pair: FramePair) -> str:
        files = (frame.name for frame in (pair.visible, pair.infrared))
        return " and ".join(str(Path(name) / file) for name, file in zip(self._names, files, strict=True))


def _blank(frame: Frame, height: int, width: int) -> Frame:
    return dataclasses.replace(frame, pixels=np.zeros((height, width, 1), np.uint8))


def _unlaid(pair: FramePair, error: CoconetError) -> FramePair:
    """The pair without its infrared picture, with the reason as its notice."""
    height, width = pair.visible.pixels.shape[:2]
    notice = f"not aligned: the alignment was found for other sizes than {error.got}"
    blank = _blank(pair.infrared, height, width)
    return dataclasses.replace(
        pair, infrared=blank, missing=pair.missing | {"infrared"}, notice=f"{pair.notice}, {notice}".lstrip(", ")
    )
