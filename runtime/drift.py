"""The drift of an alignment while a rig runs: whether the edges of both pictures still lie on each other."""

from __future__ import annotations

from collections import deque
from statistics import median

from runtime.frame import FramePair

LOOK_EVERY = 90
"""Pairs between two looks, three seconds at 30 a second: a look takes about as long as preparing some pairs."""

_LOOKS = 5  # a single odd scene is no drift
_LEAST_AGREEMENT = 0.05  # of the edges; below, the scene has none in common


class DriftWatch:
    """Looks at every so many-th aligned pair; drift_px is the median over the last looks, None before three of them."""

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
        from runtime.edge_registration import residual_shift_px

        across, down, agreement = residual_shift_px(pair)
        if agreement >= _LEAST_AGREEMENT:
            self._shifts.append((across, down))
