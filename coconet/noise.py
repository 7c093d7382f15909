"""Noise: what changes in two sensors while nothing happens, and how much of it a fused picture passes on.

A fused video flickers by what the network makes of the noise of its sources. So training fuses every crop a second
time, as the next frame of its video shows it or, in stills, with drawn noise on it, and lowers the difference of the
two pictures, measured in the change of the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from coconet.crops import Crops
from coconet.errors import MissingPackage
from coconet.losses import gaussian

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error

LEAST_LEVELS = 0.25
"""The least standard deviation of drawn noise, in levels of 0..255; the most is the recipe's."""

GRAINS_PX = (1, 2, 4, 8)
"""How coarse drawn noise is, one for each crop: a sensor's is fine, what compression leaves comes in blocks."""

STILL_LEVELS = 2.0
"""Between two frames a pixel is still where both cameras' change, smoothed, stays below so many levels of 0..255."""

SMOOTHING_PX = 2.0
"""Deviation of that smoothing: noise averages out, anything larger than a few pixels stays."""

LEAST_CHANGE = 0.1 / 255
"""Less change of the sources than this counts as this much: a video's frame may be an almost exact copy."""


@dataclass(frozen=True)
class NoisyTwin:
    """The crops of a step a moment later. visible, infrared: like the crops.

    still: 1 where nothing happens, (batch, 1, patch, patch). change: mean absolute change there of the source that
    changes more, in 0..1, (batch,).
    """

    visible: Tensor
    infrared: Tensor
    still: Tensor
    change: Tensor

    @classmethod
    def of(cls, crops: Crops, most_levels: float, seed: int, step: int) -> NoisyTwin:
        """Take the next frame of what comes from a video and draw the noise of stills, the same for a seed and step.

        most_levels: the most standard deviation, in levels of 0..255; each crop has one of its own. The sums are not
        clipped.
        """
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        drawn = [_drawn(crops.visible.shape[-1], most_levels, generator) for _ in range(len(crops.visible))]
        noise = torch.stack(drawn, dim=1).to(crops.visible.device)  # (2, batch, 1, side, side)
        now = torch.stack((crops.visible, crops.infrared))
        changes = torch.stack((crops.following_visible, crops.following_infrared)) - now
        frozen = (changes == 0).all(dim=0).all(dim=(1, 2, 3), keepdim=True)  # a still, or a video that stands
        still = torch.where(frozen, 1.0, _still(changes))
        changes = torch.where(frozen, noise, changes)
        visible, infrared = now + changes
        levels = (changes.abs() * still).sum(dim=(2, 3, 4)) / still.sum(dim=(1, 2, 3)).clamp_min(1.0)
        return cls(visible, infrared, still, levels.amax(dim=0).clamp_min(LEAST_CHANGE))


def noise_gain(fused: Tensor, fused_twin: Tensor, twin: NoisyTwin) -> Tensor:
    """Mean absolute change of still pixels over that of the less steady source: two (B, 1, H, W) to a scalar.

    1 is as much as that source has alone; of two equally noisy ones the average has 0.7 and the sum 1.4.
    """
    change = ((fused_twin - fused).abs() * twin.still).sum(dim=(1, 2, 3)) / twin.still.sum(dim=(1, 2, 3)).clamp_min(1.0)
    return torch.mean(change / twin.change)


def _still(changes: Tensor) -> Tensor:
    """1 where both sources' changes, (2, B, 1, H, W) in 0..1, are noise: (B, 1, H, W)."""
    size = 4 * int(SMOOTHING_PX) + 1
    smoothed = gaussian(changes.flatten(0, 1), size, SMOOTHING_PX, padding=size // 2).view_as(changes)
    return (smoothed.abs().amax(dim=0) < STILL_LEVELS / 255).float()


def _drawn(side: int, most_levels: float, generator: torch.Generator) -> Tensor:
    """Noise for the two sources of one crop, (2, 1, side, side)."""
    grain = GRAINS_PX[int(torch.randint(len(GRAINS_PX), (1,), generator=generator))]
    levels = LEAST_LEVELS + (most_levels - LEAST_LEVELS) * torch.rand(1, generator=generator)
    noise = torch.randn(2, 1, side // grain, side // grain, generator=generator) * levels / 255.0
    return noise.repeat_interleave(grain, dim=2).repeat_interleave(grain, dim=3)
