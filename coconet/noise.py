"""Noise: what two sensors add to a still scene, and how much of it a fused picture passes on.

A fused video flickers by what the network makes of the noise of its sources. So training fuses every crop a second
time with fresh noise on it and lowers the difference of the two pictures, measured in the noise that was added.
"""

from __future__ import annotations

from dataclasses import dataclass

from coconet.crops import Crops
from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error

LEAST_LEVELS = 0.25
"""The least standard deviation of the noise, in levels of 0..255; the most is the recipe's."""

GRAINS_PX = (1, 2, 4, 8)
"""How coarse the noise is, one for each crop: a sensor's is fine, what compression leaves comes in blocks."""


@dataclass(frozen=True)
class NoisyTwin:
    """The crops of a step with noise on both sources. magnitude: its mean absolute value in 0..1, (batch,)."""

    visible: Tensor
    infrared: Tensor
    magnitude: Tensor

    @classmethod
    def of(cls, crops: Crops, most_levels: float, seed: int, step: int) -> NoisyTwin:
        """Draw the noise of one step, the same for the same seed and step. The sums are not clipped.

        most_levels: the most standard deviation, in levels of 0..255; each crop has one of its own.
        """
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        drawn = [_drawn(crops.visible.shape[-1], most_levels, generator) for _ in range(len(crops.visible))]
        visible, infrared = torch.stack(drawn, dim=1).to(crops.visible.device)
        magnitude = 0.5 * (visible.abs() + infrared.abs()).mean(dim=(1, 2, 3))
        return cls(crops.visible + visible, crops.infrared + infrared, magnitude)


def noise_gain(fused: Tensor, fused_twin: Tensor, magnitude: Tensor) -> Tensor:
    """Mean absolute change of a fused picture over that of either source: (B, 1, H, W) and (B,) to a scalar.

    1 is as much as each source has alone; 0.7 what their average has; 1.4 both at full strength.
    """
    return torch.mean((fused_twin - fused).abs().mean(dim=(1, 2, 3)) / magnitude)


def _drawn(side: int, most_levels: float, generator: torch.Generator) -> Tensor:
    """Noise for the two sources of one crop, (2, 1, side, side)."""
    grain = GRAINS_PX[int(torch.randint(len(GRAINS_PX), (1,), generator=generator))]
    levels = LEAST_LEVELS + (most_levels - LEAST_LEVELS) * torch.rand(1, generator=generator)
    noise = torch.randn(2, 1, side // grain, side // grain, generator=generator) * levels / 255.0
    return noise.repeat_interleave(grain, dim=2).repeat_interleave(grain, dim=3)
