"""Noise: what changes in two sensors while nothing happens, and how much of it a fused picture passes on.

A fused video flickers by what the network makes of the noise of its sources. So training fuses every crop a second
time, as the next frame of its video shows it or, in stills, with drawn noise on it, and lowers the difference of the
two pictures, measured in the change of the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from coconet.errors import MissingPackage
from coconet.losses.adaptive import gaussian
from coconet.training.crops import Crops

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


LEAST_SHARE = 0.2
"""The weakest drawn noise, as a share of the strongest, which is the recipe's."""

GRAINS_PX = (1, 2, 4, 8)
"""How coarse drawn noise is, one for each crop: a sensor's is fine, what compression leaves comes in blocks."""

STILL_LEVELS = 2.0
"""Between two frames a pixel is still where both cameras' change, smoothed, stays below this many levels of 0..255."""

SMOOTHING_PX = 2.0
"""Deviation of that smoothing: noise averages out, anything larger than a few pixels stays."""

LEAST_CHANGE = 0.01 / 255
"""Less change of the sources than this, on average, counts as this much: a video may stand."""


@dataclass(frozen=True)
class NoisyTwin:
    """Those crops of a step that count, a moment later.

    rows: which of the crops they are, (n,) int64; n may be 0. visible, infrared: (n, 1, patch, patch), 0..1.
    still: 1 where nothing happens, (n, 1, patch, patch). change: sum over all still pixels of the absolute change of
    the source that changes more, in 0..1.
    """

    rows: Tensor
    visible: Tensor
    infrared: Tensor
    still: Tensor
    change: float

    @classmethod
    def of(cls, crops: Crops, most_levels: float, seed: int, step: int) -> NoisyTwin:
        """Take the next frame of what comes from a video and draw the noise of stills, the same for a seed and step.

        most_levels: the most standard deviation, in levels of 0..255; each crop has one of its own. The sums are not
        clipped. With 0 nothing is drawn, and stills do not count.
        """
        now = torch.stack((crops.visible, crops.infrared))  # (2, batch, 1, side, side)
        changes = torch.stack((crops.following_visible, crops.following_infrared)) - now
        frozen = (changes == 0).all(dim=0).flatten(1).all(dim=1)  # stills, and a video that stands
        still = _still(changes)
        if most_levels > 0:
            generator = torch.Generator().manual_seed(1_000_003 * seed + step)
            drawn = [_drawn(now.shape[-1], most_levels, generator) for _ in range(now.shape[1])]
            changes = torch.where(frozen[:, None, None, None], torch.stack(drawn, dim=1).to(now.device), changes)
            still[frozen] = 1.0
            frozen = torch.zeros_like(frozen)
        rows = torch.nonzero(~frozen)[:, 0]
        (visible, infrared), changes, still = (now + changes)[:, rows], changes[:, rows], still[rows]
        change = float((changes.abs() * still).sum(dim=(1, 2, 3, 4)).amax())
        return cls(rows, visible, infrared, still, change)


def noise_gain(fused: Tensor, fused_twin: Tensor, twin: NoisyTwin) -> Tensor:
    """Mean absolute change of still pixels over that of the less steady source: two (n, 1, H, W) to a scalar.

    1 is as much as that source has alone; of two equally noisy ones the average has 0.7 and the sum 1.4. One ratio for
    the batch, as `coconet steadiness` has one for a video: what hardly changes counts for hardly anything.
    """
    return ((fused_twin - fused).abs() * twin.still).sum() / max(twin.change, LEAST_CHANGE * max(1, twin.still.numel()))


def _still(changes: Tensor) -> Tensor:
    """1 where both sources' changes, (2, B, 1, H, W) in 0..1, are noise: (B, 1, H, W)."""
    size = 4 * int(SMOOTHING_PX) + 1
    smoothed = gaussian(changes.flatten(0, 1), size, SMOOTHING_PX, padding=size // 2).view_as(changes)
    return (smoothed.abs().amax(dim=0) < STILL_LEVELS / 255).float()


def _drawn(side: int, most_levels: float, generator: torch.Generator) -> Tensor:
    """Noise for the two sources of one crop, (2, 1, side, side)."""
    grain = GRAINS_PX[int(torch.randint(len(GRAINS_PX), (1,), generator=generator))]
    levels = most_levels * (LEAST_SHARE + (1.0 - LEAST_SHARE) * torch.rand(1, generator=generator))
    noise = torch.randn(2, 1, side // grain, side // grain, generator=generator) * levels / 255.0
    return noise.repeat_interleave(grain, dim=2).repeat_interleave(grain, dim=3)
