"""Merges: ways to join a fused luma with the colour of the visible picture, beside what the exported graph does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels, luma

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="averaging the lumas of pictures", extra="headless") from error

Planes = NDArray[np.float32]

Merge = Callable[[Pixels, Planes], Pixels]
"""(H, W, 3) BGR and the fused luma, (H, W) on 0..255, to (H, W, 3) BGR."""

STEADY = 16.0
"""Levels added to both lumas of a ratio: what is nearly black is mostly noise, and would be raised the most."""


def keep_chroma(visible: Pixels, fused: Planes) -> Pixels:
    """The difference of the lumas is added to every channel, and what overflows is clipped."""
    return _joined(fused, _chroma(visible))


def within_range(visible: Pixels, fused: Planes) -> Pixels:
    """The same, but chroma is scaled down where a channel would overflow, so that no clipping turns the hue."""
    chroma = _chroma(visible)
    return _joined(fused, chroma * _room(fused, chroma))


def hold_saturation(power: float, least: float, most: float, *, fits: bool = True, side_px: int = 1) -> Merge:
    """Chroma follows the luma: it is multiplied by their ratio to a power, within bounds.

    power: 1 keeps the ratios of the channels, 0 their differences. fits: as within_range does afterwards. side_px: of
    the square over which both lumas are averaged for the ratio, so that edges of heat draw no fringes of colour.
    """

    def merge(visible: Pixels, fused: Planes) -> Pixels:
        before, after = (_averaged(one, side_px) for one in (luma(visible), fused))
        ratio = np.clip((after + STEADY) / (before + STEADY), least ** (1 / power), most ** (1 / power)) ** power
        chroma = np.asarray(_chroma(visible) * ratio[:, :, None], np.float32)
        return _joined(fused, chroma * _room(fused, chroma) if fits else chroma)

    return merge


MERGES: dict[str, Merge] = {
    "chroma kept": keep_chroma,
    "within range": within_range,
    "ratio, 1/2..2": hold_saturation(1, 1 / 2, 2),
    "ratio, 1..2": hold_saturation(1, 1, 2),
    "ratio, 1/2..1": hold_saturation(1, 1 / 2, 1),
    "root, 1/2..2": hold_saturation(0.5, 1 / 2, 2),
    "ratio, 1/2..2, clipped": hold_saturation(1, 1 / 2, 2, fits=False),
    "ratio of 9 px, 1/2..2": hold_saturation(1, 1 / 2, 2, side_px=9),
}


def _averaged(plane: Planes, side_px: int) -> Planes:
    return plane if side_px == 1 else np.asarray(cv2.blur(plane, (side_px, side_px)), np.float32)


def _chroma(visible: Pixels) -> Planes:
    """(H, W, 3): every channel less the luma, of which Cb and Cr are multiples."""
    return visible.astype(np.float32) - luma(visible)[:, :, None]


def _room(fused: Planes, chroma: Planes) -> Planes:
    """(H, W, 1): what chroma may be multiplied by, at most 1, for every channel to stay on 0..255."""
    level = np.clip(fused, 0, 255)
    up, down = chroma.max(axis=2), -chroma.min(axis=2)
    room = np.minimum((255 - level) / np.maximum(up, 1e-3), level / np.maximum(down, 1e-3))
    return np.asarray(np.clip(room, 0, 1)[:, :, None], np.float32)


def _joined(fused: Planes, chroma: Planes) -> Pixels:
    return np.asarray(np.clip(np.rint(fused[:, :, None] + chroma), 0, 255), np.uint8)
