"""Crops: drawn at random from the pairs, altered as cameras do, and fused whatever range a network works in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, MissingPackage
from coconet.training.conditions import Conditions
from coconet.training.data import GrayPair

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


@dataclass(frozen=True)
class Crops:
    """The crops of one step, each (batch, 1, patch, patch) float32 in 0..1. mask: 1 on thermal targets.

    following_visible, following_infrared: the same place one frame later in a video, and the same picture in stills.
    """

    visible: Tensor
    infrared: Tensor
    mask: Tensor
    following_visible: Tensor
    following_infrared: Tensor

    def to(self, device: torch.device) -> Crops:
        """The same crops on a device."""
        return Crops(*(getattr(self, field.name).to(device) for field in fields(self)))


def fits(pair: GrayPair, patch: int) -> bool:
    """Whether crops of `patch` pixels a side are taken from a pair: one of smaller pictures is left out."""
    return bool(min(pair.visible.shape) >= patch)


class CropSampler:
    """Random crops, the same for the same seed and step, whatever ran before: a resumed run continues exactly.

    Besides flips and turns a crop gets the conditions of other cameras and other hours.
    """

    def __init__(
        self, pairs: Sequence[GrayPair], patch: int, batch: int, seed: int, conditions: Conditions | None = None
    ) -> None:
        self.pairs = [pair for pair in pairs if fits(pair, patch)]
        if not self.pairs:
            raise CoconetError(
                "training data",
                wanted=f"pictures of at least {patch} pixels a side",
                got="only smaller ones",
                remedy="Use a smaller patch.",
                says=f"has no picture of {patch} pixels a side or more",
            )
        self.patch, self.batch, self.seed = patch, batch, seed
        self.conditions = conditions or Conditions()

    def crops(self, step: int) -> Crops:
        """The crops of one step; masks are empty if a pair has none."""
        rng = np.random.default_rng((self.seed, step))
        drawn = [self._crop(rng) for _ in range(self.batch)]
        return Crops(*(torch.from_numpy(np.stack(side))[:, None] for side in zip(*drawn, strict=True)))

    def _crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        pair = self.pairs[rng.integers(len(self.pairs))]
        top, left = (rng.integers(size - self.patch + 1) for size in pair.visible.shape)
        window = np.s_[top : top + self.patch, left : left + self.patch]
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        mask = np.zeros_like(pair.visible) if pair.mask is None else pair.mask
        later = pair.following or pair
        sides = (pair.visible, later.visible, pair.infrared, later.infrared, mask)
        turned = np.rot90(np.stack([side[window] for side in sides]), turns, axes=(1, 2))
        if mirrored:
            turned = turned[:, :, ::-1]
        planes = turned.astype(np.float32) / 255.0
        visible, infrared = self.conditions.of(planes[0:2], planes[2:4], rng)
        return visible[0], infrared[0], planes[4], visible[1], infrared[1]


def fuse_crops(core: nn.Module, signature: Signature, visible: Tensor, infrared: Tensor) -> Tensor:
    """Run a core on (B, 1, H, W) images in 0..1 and map its answer back to 0..1, not clipped.

    The answer is float32, whatever the convolutions run in.
    """
    low, high = signature.input_range
    inputs = (
        (image * (high - low) + low).contiguous(memory_format=torch.channels_last) for image in (visible, infrared)
    )
    with fast_convolutions(visible.device):
        answer: Tensor = core(*inputs)
    low, high = signature.output_range
    return (answer.float() - low) / (high - low)


def fast_convolutions(device: torch.device) -> torch.autocast:
    """A context in which convolutions run in bfloat16, where the processor has units for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=_fast_bfloat16(device))


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
