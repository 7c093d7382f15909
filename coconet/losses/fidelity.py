"""Losses that keep a fused picture faithful: what it must carry over from its sources, each from a fusion metric.

The self-adaptive loss alone settles near the mean of the sources. These terms ask for what a viewer misses in that:
the stronger edge of either source, the correlation with both (SCD), and the visual information of both (VIF).
"""

from __future__ import annotations

import math

from coconet.errors import MissingPackage
from coconet.losses.adaptive import gaussian, sobel

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


LEAST_EDGE = 1e-3
"""Added to the length of a gradient: a step of a gray level has 0.016. Where there is no edge it has no direction."""

NOISE_VARIANCE = 2.0
"""Variance of the visual noise in VIF, on gray levels 0..255."""

SPREAD_LEVELS = 2.0
"""Deviation of what smooths the histogram, in levels of 0..255."""


def edge_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """Mean absolute difference to the stronger of the two sources' gradients, with its sign: a scalar.

    Images (B, 1, H, W) in 0..1. Per pixel the source with the longer Sobel gradient is the one to follow.
    """
    visible_x, visible_y = sobel(visible)
    infrared_x, infrared_y = sobel(infrared)
    follow = visible_x.square() + visible_y.square() >= infrared_x.square() + infrared_y.square()
    fused_x, fused_y = sobel(fused)
    error_x = (fused_x - torch.where(follow, visible_x, infrared_x)).abs()
    error_y = (fused_y - torch.where(follow, visible_y, infrared_y)).abs()
    return (error_x + error_y).mean()


def edge_transfer_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """1 - Qabf, from 0 to 1: a scalar, images (B, 1, H, W) in 0..1 (Xydeas and Petrovic, Electronics Letters 2000).

    How much of the strength and of the direction of both sources' edges is kept, weighted by their strength. Opposite
    directions count alike, also next to the vertical, where the metric jumps; so it has a gradient everywhere.
    """
    fused_edges = sobel(fused)
    kept, present = torch.zeros(()), torch.zeros(())
    for source in (visible, infrared):
        edges = sobel(source)
        strength = _length(*edges)
        kept = kept + (_preserved(edges, fused_edges) * strength).sum(dim=(1, 2, 3))
        present = present + strength.sum(dim=(1, 2, 3))
    return 1.0 - (kept / present).mean()


def exposure_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """Squared difference of the fused mean level to the mean of both sources' levels: a scalar, images in 0..1.

    The correlation does not care about brightness; without this the sum of two bright sources is burnt out.
    """
    wanted = 0.5 * (visible + infrared).mean(dim=(1, 2, 3))
    return (fused.mean(dim=(1, 2, 3)) - wanted).square().mean()


def correlation_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """2 - SCD, from 0 to 4: a scalar. SCD = r(F - V, I) + r(F - I, V) (Aslantas and Bendes, AEU 2015)."""
    scd = correlation(fused - visible, infrared) + correlation(fused - infrared, visible)
    return (2.0 - scd).mean()


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation of each pair of images: (B, 1, H, W) to (B,). About 0 where one of the two is flat."""
    first, second = (image.flatten(1) - image.flatten(1).mean(dim=1, keepdim=True) for image in (first, second))
    scale = first.square().mean(dim=1) * second.square().mean(dim=1)
    return (first * second).mean(dim=1) / (scale + 1e-8).sqrt()


def information_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """Mean of -log(VIF + 0.05) over the two sources: a scalar. Images (B, 1, H, W) in 0..1, 64 or more pixels a side.

    The logarithm makes the source that is carried over less count more. The plain sum of both is at its best where
    one source is copied and the other one lost.
    """
    information = torch.stack((visual_information(visible, fused), visual_information(infrared, fused)))
    return -torch.log(information + 0.05).mean()


def visual_information(reference: Tensor, distorted: Tensor) -> Tensor:
    """Pixel-domain VIF of each pair (Sheikh and Bovik, IEEE TIP 2006): (B, 1, H, W) in 0..1 to (B,).

    Four scales with Gaussian windows of 17, 9, 5 and 3 pixels, sigma a fifth of the window. Smoothed where the
    metric branches, so that it has a gradient everywhere.
    """
    kept, total = torch.zeros(()), torch.zeros(())
    reference, distorted = 255.0 * reference, 255.0 * distorted
    for window in (17, 9, 5, 3):
        if window < 17:
            reference, distorted = (
                gaussian(image, window, window / 5)[..., ::2, ::2] for image in (reference, distorted)
            )
        step_kept, step_total = _information(reference, distorted, window)
        kept, total = kept + step_kept, total + step_total
    return kept / total.clamp_min(1e-6)


def entropy_loss(fused: Tensor) -> Tensor:
    """8 - EN, from 0 to 8 bits: a scalar, images (B, 1, H, W) in 0..1.

    Of the histogram of 256 levels, smoothed by a Gaussian of SPREAD_LEVELS: so a pixel learns where there are few,
    from whole gray levels as well, and a few bits of noise do not count.
    """
    position = 255.0 * fused.flatten(1).clamp(0.0, 1.0)
    below = position.detach().floor().clamp(max=254.0)
    above = position - below
    counts = torch.zeros(len(fused), 256, device=fused.device)
    counts = counts.scatter_add(1, below.long(), 1.0 - above).scatter_add(1, below.long() + 1, above)
    size = 8 * int(SPREAD_LEVELS) + 1
    offsets = torch.arange(size, device=fused.device) - size // 2
    window = torch.exp(-offsets.square() / (2.0 * SPREAD_LEVELS**2))
    share = functional.conv1d(counts[:, None], (window / window.sum())[None, None], padding=size // 2)[:, 0]
    share = share / share.sum(dim=1, keepdim=True)
    missing: Tensor = 8.0 + torch.special.xlogy(share, share.clamp_min(1e-12)).sum(dim=1).mean() / math.log(2.0)
    return missing


def _preserved(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor]) -> Tensor:
    """Preservation of strength times preservation of direction, 0..1, with the constants of the metric."""
    (source_x, source_y), (fused_x, fused_y) = source, fused
    lengths = torch.stack((_length(*source), _length(*fused)))
    ratio = lengths.amin(dim=0) / lengths.amax(dim=0)
    along = (source_x * fused_x + source_y * fused_y).abs()
    across = (source_x * fused_y - source_y * fused_x).abs()
    alignment = 1.0 - torch.atan2(across, along + LEAST_EDGE**2) / (math.pi / 2)
    in_strength = 0.9994 * torch.sigmoid(15.0 * (ratio - 0.5))
    in_direction = 0.9879 * torch.sigmoid(22.0 * (alignment - 0.8))
    return in_strength * in_direction


def _length(x: Tensor, y: Tensor) -> Tensor:
    return (x.square() + y.square() + LEAST_EDGE**2).sqrt()


def _information(reference: Tensor, distorted: Tensor, window: int) -> tuple[Tensor, Tensor]:
    products = torch.cat((reference, distorted, reference**2, distorted**2, reference * distorted), dim=1)
    mean_r, mean_d, square_r, square_d, product = gaussian(products, window, window / 5).chunk(5, dim=1)
    variance_r = (square_r - mean_r**2).clamp_min(0.0)
    variance_d = (square_d - mean_d**2).clamp_min(0.0)
    gain = functional.relu((product - mean_r * mean_d) / (variance_r + 1e-2))
    residual = (variance_d - gain**2 * variance_r).clamp_min(1e-4)
    kept = torch.log1p(gain**2 * variance_r / (residual + NOISE_VARIANCE)).sum(dim=(1, 2, 3))
    return kept, torch.log1p(variance_r / NOISE_VARIANCE).sum(dim=(1, 2, 3))
