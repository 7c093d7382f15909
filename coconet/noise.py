"""Noise: what two sensors add to a still scene, and how much of it a fused picture passes on.

A fused video flickers by what the network makes of the noise of its sources. So training fuses every crop a second
time with fresh noise on it and lowers the difference of the two pictures, measured in the noise that was added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coconet.crops import Crops
from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error

DEVIATION_LEVELS = (0.5, 4.0)
"""The standard deviation of the noise is drawn between these, in levels of 0..255, one for each crop."""

MEAN_OVER_DEVIATION = (2.0 / np.pi) ** 0.5
"""Mean absolute value of Gaussian noise over its standard deviation."""


@dataclass(frozen=True)
class NoisyTwin:
    """The crops of a step with noise on both sources. deviation: its standard deviation in 0..1, (batch,)."""

    visible: Tensor
    infrared: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, crops: Crops, seed: int, step: int) -> NoisyTwin:
        """Draw the noise of one step, the same for the same seed and step. The sums are not clipped."""
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        low, high = DEVIATION_LEVELS
        deviation = (low + (high - low) * torch.rand(len(crops.visible), generator=generator)) / 255.0
        noise = torch.randn(2, *crops.visible.shape, generator=generator) * deviation.view(-1, 1, 1, 1)
        device = crops.visible.device
        visible_noise, infrared_noise = noise.to(device)
        return cls(crops.visible + visible_noise, crops.infrared + infrared_noise, deviation.to(device))


def noise_gain(fused: Tensor, fused_twin: Tensor, deviation: Tensor) -> Tensor:
    """Mean absolute change of a fused picture over that of either source: (B, 1, H, W) and (B,) to a scalar.

    1 is as much as each source has alone; 0.7 what their average has; 1.4 both at full strength.
    """
    change = (fused_twin - fused).abs().mean(dim=(1, 2, 3))
    return torch.mean(change / (MEAN_OVER_DEVIATION * deviation))
