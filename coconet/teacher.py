"""Teacher: a trained network whose fused pictures a smaller one is to follow."""

from __future__ import annotations

from pathlib import Path

from coconet.checkpoint import load_checkpoint
from coconet.crop_fusion import fuse_crops
from coconet.errors import MissingPackage
from coconet.losses import sobel

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


class Teacher:
    """A checkpoint of any network, asked for pictures and never changed. sha256: hash of its file."""

    def __init__(self, weights: Path, device: torch.device) -> None:
        checkpoint = load_checkpoint(weights)
        self.network, self.sha256 = checkpoint.network, checkpoint.sha256
        self._core, self._signature = checkpoint.core.to(device), checkpoint.signature

    def picture(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """What the teacher makes of (B, 1, H, W) crops in 0..1: the same shape and range, clipped, without gradient."""
        with torch.no_grad():
            return fuse_crops(self._core, self._signature, visible, infrared).clamp(0.0, 1.0)


def distillation_loss(fused: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of the pictures, plus that of their Sobel gradients: a scalar, images in 0..1."""
    differences = [functional.l1_loss(ours, theirs) for ours, theirs in zip(sobel(fused), sobel(wanted), strict=True)]
    return torch.stack([functional.l1_loss(fused, wanted), *differences]).sum()
