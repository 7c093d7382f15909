"""Darkness: registered pairs of the day as two cameras would have them by night, for want of pairs that are darker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""(H, W)."""

Pair = tuple[Luma, Luma]
"""Visible and infrared, of equal size."""


@dataclass(frozen=True)
class Darkness:
    """A curve for both cameras and the noise of each: 255 gain (x / 255)^gamma, then rounded.

    infrared_gain: of the infrared side, as a share of `gain`. noise_levels: deviations on the visible and on the
    infrared side, in levels of 0..255, drawn for every pixel.
    """

    gamma: float
    gain: float
    infrared_gain: float = 0.85
    noise_levels: tuple[float, float] = (0.7, 0.5)

    def of(self, pair: Pair, seed: int) -> Pair:
        """The pair by night, the same for the same seed."""
        gains = (self.gain, self.infrared_gain * self.gain)
        sides = zip(pair, gains, self.noise_levels, (seed, seed + 100), strict=True)
        visible, infrared = (self._side(*side) for side in sides)
        return visible, infrared

    def _side(self, side: Luma, gain: float, noise: float, seed: int) -> Luma:
        drawn = np.random.default_rng(seed).normal(0.0, noise, side.shape)
        levels = np.rint(255.0 * gain * (side / 255.0) ** self.gamma + drawn)
        night: Luma = np.clip(levels, 0, 255).astype(np.uint8)
        return night


STRENGTHS: Mapping[str, Darkness] = {
    "dim": Darkness(1.3, 0.5),
    "dark": Darkness(1.6, 0.35),
    "black": Darkness(2.0, 0.25),
}
"""What a street is like when its lamps go on, away from them, and without any."""
