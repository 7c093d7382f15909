"""Training data: pairs of gray pictures held in memory, and the random crops a training step sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.pairs import paired_folder
from coconet.picture import read_gray

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="export") from error

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov"})
VIDEO_STEP = 10
"""Every tenth frame of a video is kept: neighbours teach the same thing twice."""


@dataclass(frozen=True)
class GrayPair:
    """A visible and an infrared picture, (H, W) uint8, of equal size."""

    visible: NDArray[np.uint8]
    infrared: NDArray[np.uint8]


def load_pairs(sources: Sequence[Path]) -> list[GrayPair]:
    """Read every source: a paired folder, or the visible video of a pair (`x_vis.mp4` beside `x_ir.mp4`).

    Raises CoconetError for a source without pairs and for a pair of unequal sizes.
    """
    pairs = [
        pair for source in sources for pair in (_from_video(source) if _is_video(source) else _from_folder(source))
    ]
    if not pairs:
        raise CoconetError("training data", wanted="at least one source", got="none", remedy="Give one with --data.")
    return pairs


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

    def crops(self, step: int) -> tuple[Tensor, Tensor]:
        """Visible and infrared of one step, each (batch, 1, patch, patch) float32 in 0..1."""
        rng = np.random.default_rng((self.seed, step))
        drawn = [self._crop(rng) for _ in range(self.batch)]
        visible, infrared = (torch.from_numpy(np.stack(side))[:, None] for side in zip(*drawn, strict=True))
        return visible, infrared

    def _crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        pair = self.pairs[rng.integers(len(self.pairs))]
        top, left = (rng.integers(size - self.patch + 1) for size in pair.visible.shape)
        window = np.s_[top : top + self.patch, left : left + self.patch]
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        sides = [np.rot90(side[window], turns) for side in (pair.visible, pair.infrared)]
        if mirrored:
            sides = [side[:, ::-1] for side in sides]
        visible, infrared = (side.astype(np.float32) / 255.0 for side in sides)
        if rng.random() < 0.1:
            infrared = 1.0 - infrared
        return _exposed(visible, rng), _exposed(infrared, rng)


def _exposed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    chance = rng.random()
    if chance < 0.01:
        return np.full_like(image, rng.choice([0.0, 1.0, rng.random()]))
    if chance < 0.6:
        return np.ascontiguousarray(image)
    gamma = math.exp(rng.uniform(-0.5, 0.5))
    return (np.clip(image, 0.0, 1.0) ** gamma * rng.uniform(0.7, 1.0)).astype(np.float32)


def _from_folder(root: Path) -> list[GrayPair]:
    return [_checked(read_gray(p.visible), read_gray(p.infrared), p.visible) for p in paired_folder(root)]


def _from_video(visible: Path) -> list[GrayPair]:
    from coconet.video import VideoReader

    infrared = visible.with_name(visible.name.replace("vis", "ir"))
    if infrared == visible:
        raise CoconetError(
            visible, wanted="a visible video with `vis` in its name", got=visible.name, remedy="Rename the two videos."
        )
    with VideoReader(visible) as first, VideoReader(infrared) as second:
        both = enumerate(zip(first, second, strict=False))
        return [_checked(_luma(a.pixels), _luma(b.pixels), visible) for i, (a, b) in both if i % VIDEO_STEP == 0]


def _checked(visible: NDArray[np.uint8], infrared: NDArray[np.uint8], where: Path) -> GrayPair:
    if visible.shape != infrared.shape:
        raise CoconetError(
            where,
            wanted="a pair of equal size",
            got=f"visible {visible.shape[1]}x{visible.shape[0]}, infrared {infrared.shape[1]}x{infrared.shape[0]}",
            remedy="Align and crop the pair first.",
        )
    return GrayPair(visible, infrared)


def _is_video(source: Path) -> bool:
    return source.suffix.lower() in VIDEO_SUFFIXES


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    weights = np.array([0.114, 0.587, 0.299], np.float32) if pixels.shape[2] == 3 else np.ones(1, np.float32)
    luma: NDArray[np.uint8] = np.rint(pixels @ weights).astype(np.uint8)
    return luma
