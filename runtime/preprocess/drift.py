"""The drift of an alignment while a rig runs: whether the edges of both pictures still lie on each other."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from coconet.media.pixels import luma
from coconet.runtime.frame import FramePair

LOOK_EVERY = 90
"""Pairs between two looks, three seconds at 30 a second: a look takes about as long as preparing some pairs."""

_LOOKS = 5  # a single odd scene is no drift

_LEAST_AGREEMENT = 0.05  # of the edges; below, the scene has none in common


class DriftWatch:
    """Looks at every Nth aligned pair; drift_px is the median over the last looks, None before three of them."""

    def __init__(self, alarm_px: float, every: int = LOOK_EVERY) -> None:
        self.alarm_px, self._every, self._pairs = alarm_px, every, 0
        self._shifts: deque[tuple[float, float]] = deque(maxlen=_LOOKS)

    @property
    def drift_px(self) -> float | None:
        """How far the infrared edges lie from the visible ones, in visible pixels."""
        if len(self._shifts) < 3:
            return None
        across, down = (median(axis) for axis in zip(*self._shifts, strict=True))
        return float((across**2 + down**2) ** 0.5)

    @property
    def notice(self) -> str:
        """What a viewer has to know; empty while all is well."""
        drift_px = self.drift_px
        return "" if drift_px is None or drift_px <= self.alarm_px else f"alignment off by {drift_px:.0f} px"

    def look(self, pair: FramePair) -> None:
        """Take an aligned pair, (H, W, C) and (H, W, 1) uint8."""
        self._pairs += 1
        if self._pairs % self._every:
            return
        across, down, agreement = residual_shift_px(pair)
        if agreement >= _LEAST_AGREEMENT:
            self._shifts.append((across, down))


def residual_shift_px(pair: FramePair) -> tuple[float, float, float]:
    """How far the infrared edges of an aligned pair lie right of and below the visible ones, and how surely (0..1)."""
    from coconet.runtime.preprocess.edge_features import SEARCH_WIDTH_PX, correlation, edge_field, shrink, subpixel

    width = min(SEARCH_WIDTH_PX * 2, pair.visible.pixels.shape[1])
    scale = width / pair.visible.pixels.shape[1]
    fields = [edge_field([shrink(luma(pixels), scale)], 1.0) for pixels in (pair.visible.pixels, pair.laid_infrared)]
    surface = correlation(*fields)
    reach = max(2, round(0.08 * width))
    near = np.roll(surface, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    (sub_row, sub_column), peak = subpixel(near, int(row), int(column)), float(near.max())
    return (sub_column - reach) / scale, (sub_row - reach) / scale, peak
