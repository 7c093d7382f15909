"""Crops: what a training step sees, drawn at random from the pairs and altered as cameras do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.data import GrayPair
from coconet.errors import CoconetError, MissingPackage

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


@dataclass(frozen=True)
class Crops:
    """The crops of one step, each (batch, 1, patch, patch) float32 in 0..1. mask: 1 on thermal targets."""

    visible: Tensor
    infrared: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Crops:
        """The same crops on a device."""
        return Crops(self.visible.to(device), self.infrared.to(device), self.mask.to(device))


class CropSampler:
    """Random crops, the same for the same seed and step, whatever ran before: a resumed run continues exactly.

    Besides flips and turns a crop may get another exposure, and its infrared another gain or inverted polarity
    (black-hot cameras exist); rarely a source is one flat level, as behind a lens cap or in glare.
    """

    def __init__(self, pairs: Sequence[GrayPair], patch: int, batch: int, seed: int) -> None:
        self.pairs = [pair for pair in pairs if min(pair.visible.shape) >= patch]
        if not self.pairs:
            raise CoconetError(
                "training data",
                wanted=f"pictures of at least {patch} pixels a side",
                got="only smaller ones",
                remedy="Use a smaller patch.",
            )
        self.patch, self.batch, self.seed = patch, batch, seed

    def crops(self, step: int) -> Crops:
        """The crops of one step; masks are empty where a pair has none."""
        rng = np.random.default_rng((self.seed, step))
        drawn = [self._crop(rng) for _ in range(self.batch)]
        return Crops(*(torch.from_numpy(np.stack(side))[:, None] for side in zip(*drawn, strict=True)))

    def _crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        pair = self.pairs[rng.integers(len(self.pairs))]
        top, left = (rng.integers(size - self.patch + 1) for size in pair.visible.shape)
        window = np.s_[top : top + self.patch, left : left + self.patch]
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        mask = np.zeros_like(pair.visible) if pair.mask is None else pair.mask
        sides = [np.rot90(side[window], turns) for side in (pair.visible, pair.infrared, mask)]
        if mirrored:
            sides = [side[:, ::-1] for side in sides]
        visible, infrared, target = (side.astype(np.float32) / 255.0 for side in sides)
        if rng.random() < 0.1:
            infrared = 1.0 - infrared
        return _exposed(visible, rng), _exposed(infrared, rng), target


def _exposed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    chance = rng.random()
    if chance < 0.01:
        return np.full_like(image, rng.choice([0.0, 1.0, rng.random()]))
    if chance < 0.6:
        return np.ascontiguousarray(image)
    gamma = math.exp(rng.uniform(-0.5, 0.5))
    return (np.clip(image, 0.0, 1.0) ** gamma * rng.uniform(0.7, 1.0)).astype(np.float32)
