"""Folders of paired pictures, as calibration, export and runs take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from coconet.media.image import write_picture
from coconet.media.pixels import RawPixels
from tests.support.media.textured import textured


def write_pair(root: Path, name: str, visible: RawPixels, infrared: RawPixels) -> None:
    """Write two pictures, (H, W), (H, W, 1) or (H, W, 3), as root/vis/name and root/ir/name."""
    for side, pixels in (("vis", visible), ("ir", infrared)):
        (root / side).mkdir(parents=True, exist_ok=True)
        write_picture(root / side / name, pixels if pixels.ndim == 3 else pixels[:, :, None])


def write_pairs(root: Path, pairs: Iterable[tuple[RawPixels, RawPixels]]) -> Path:
    """Write pairs as 0.png, 1.png and so on, and give back the root."""
    for index, (visible, infrared) in enumerate(pairs):
        write_pair(root, f"{index}.png", visible, infrared)
    return root


def textured_pairs(root: Path, count: int) -> Path:
    """Write up to 4 textured pairs of 64x48 pixels, no two pictures of which are alike."""
    return write_pairs(root, ((textured(kind, 48, 64), textured(kind + 4, 48, 64)) for kind in range(count)))


def spotted_pairs(root: Path, count: int, width: int = 32) -> Path:
    """Write smooth pairs with a bright spot, as thermal pictures are, of unlike even sizes."""
    rng = np.random.default_rng(0)

    def spotted(height: int) -> RawPixels:
        ramp = np.add.outer(np.linspace(0, 99, height), np.linspace(0, 99, width))
        ramp[4:8, 4:8] = rng.integers(150, 250)
        return np.asarray(ramp + rng.normal(20, 3, ramp.shape), np.uint8)

    return write_pairs(root, ((spotted(16 + 2 * index), spotted(16 + 2 * index)) for index in range(count)))
