"""The self-adaptive loss: how much each source counts is decided from the sources themselves.

Source of the formulas: CoCoNet (Liu et al., IJCV 2024, arXiv 2211.10960), section on the self-adaptive loss, with the
constants of its published code. Images here are in 0..1; where the paper works on -1..1, the factor is in the code.
"""

from __future__ import annotations

import math
from functools import lru_cache

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical Sobel response, kernel (1, 2, 1), of a (B, 1, H, W) image, border replicated."""
    image = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    across = image[..., 2:] - image[..., :-2]
    down = image[..., 2:, :] - image[..., :-2, :]
    return (
        across[..., :-2, :] + 2.0 * across[..., 1:-1, :] + across[..., 2:, :],
        down[..., :-2] + 2.0 * down[..., 1:-1] + down[..., 2:],
    )


def gradient_activity(image: Tensor) -> Tensor:
    """Mean of |Sobel_x| + |Sobel_y| + 1e-5 over the pixels, on the -1..1 scale: (B, 1, H, W) to (B,)."""
    dx, dy = sobel(2.0 * image)
    activity: Tensor = (dx.abs() + dy.abs() + 1e-5).mean(dim=(1, 2, 3))
    return activity


def image_entropy(image: Tensor) -> Tensor:
    """Shannon entropy in bits of the 256-level histogram of each image: (B, 1, H, W) in 0..1 to (B,)."""
    levels = (image.detach() * 255.0).clamp(0.0, 255.0).long().flatten(1)  # (B, N)
    counts = torch.zeros(len(image), 256, device=image.device).scatter_add_(1, levels, torch.ones_like(levels).float())
    p = counts / levels.shape[1]
    bits: Tensor = -torch.special.xlogy(p, p).sum(dim=1) / math.log(2.0)
    return bits


def shares(visible: Tensor, infrared: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Turn two positive activities (B,) into weights that sum to 1: softmax of their shares over the temperature."""
    total = (visible + infrared).clamp_min(1e-12)
    weight = torch.sigmoid((visible - infrared) / total / temperature)
    return weight, 1.0 - weight


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Structural similarity of each pair of (B, 1, H, W) images in 0..1, as (B,).

    11x11 Gaussian window with sigma 1.5, zero padding, C1 = 0.01^2 and C2 = 0.03^2 (Wang et al. 2004).
    """
    moments = gaussian(torch.cat((first, second, first * first, second * second, first * second), dim=1), 11, 1.5, 5)
    mean_1, mean_2, square_1, square_2, product = moments.chunk(5, dim=1)
    variance_1, variance_2 = square_1 - mean_1 * mean_1, square_2 - mean_2 * mean_2
    covariance = product - mean_1 * mean_2
    luminance = (2 * mean_1 * mean_2 + 1e-4) / (mean_1 * mean_1 + mean_2 * mean_2 + 1e-4)
    structure = (2 * covariance + 9e-4) / (variance_1 + variance_2 + 9e-4)
    similarity: Tensor = (luminance * structure).mean(dim=(1, 2, 3))
    return similarity


def gaussian(image: Tensor, size: int, sigma: float, padding: int = 0) -> Tensor:
    """Filter every channel of (B, C, H, W) with a normalised Gaussian window of size x size.

    Two matrix products with banded matrices: on a processor many times faster than a grouped convolution.
    """
    rows, columns = (_band(length, size, sigma, padding).to(image) for length in image.shape[-2:])
    return rows @ image @ columns.T


@lru_cache(maxsize=64)
def _band(length: int, size: int, sigma: float, padding: int) -> Tensor:
    # Row k holds the window at offset k - padding: (length + 2 * padding - size + 1, length).
    offsets = torch.arange(size) - (size - 1) / 2
    window = torch.exp(-(offsets**2) / (2 * sigma**2))
    padded = torch.zeros(length + 2 * padding - size + 1, length + 2 * padding)
    for row in range(len(padded)):
        padded[row, row : row + size] = window / window.sum()
    return padded[:, padding : padding + length]


def structure_term(fused: Tensor, visible: Tensor, infrared: Tensor, c1: float) -> Tensor:
    """Weighted 1 - SSIM against both sources, weights from the gradient activity with temperature c1: a scalar."""
    weight_v, weight_i = shares(gradient_activity(visible), gradient_activity(infrared), c1)
    return (weight_v * (1.0 - ssim(visible, fused)) + weight_i * (1.0 - ssim(infrared, fused))).mean()


def intensity_term(fused: Tensor, visible: Tensor, infrared: Tensor, c2: float) -> Tensor:
    """Weighted mean squared error on the -1..1 scale, weights from the entropy with temperature c2: a scalar."""
    weight_v, weight_i = shares(image_entropy(visible), image_entropy(infrared), c2)
    error_v, error_i = ((fused - source).square().mean(dim=(1, 2, 3)) * 4.0 for source in (visible, infrared))
    return (weight_v * error_v + weight_i * error_i).mean()
