"""Chroma: how much of its colour a place of the visible picture keeps once its luma has moved.

A colour that is half as bright looks the same with half the chroma. With all of it a darkened sky is brown, and a
brightened wall is pale.
"""

from __future__ import annotations

from math import gcd

from coconet.errors import MissingPackage
from coconet.networks.scene import COARSE

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


STEADY = 8.0
"""Levels added to both lumas of a ratio: near black it would be a ratio of noise."""

FAITHFUL = 128.0
"""The level of the visible luma from which on chroma may double; at 0, where colours are noise, it is not raised."""


def square_side(multiple: int) -> int:
    """The pixels a side of the squares whose means are compared, in pictures padded to this multiple.

    They lie in the grid that the network pads to, so that a part of a picture has the squares of the whole one.
    """
    return gcd(COARSE, multiple)


def reach_px(multiple: int) -> int:
    """How far from a pixel those that decide about its chroma may lie: in its own square, or in the nearest others."""
    side = square_side(multiple)
    return side + side // 2 - 1 if side > 1 else 0


def means_of_squares(image: Tensor, side: int) -> Tensor:
    """(B, 1, H, W) to (B, 1, H / side, W / side)."""
    return image if side == 1 else functional.avg_pool2d(image, side)


def chroma_ratio(fused: Tensor, visible: Tensor) -> Tensor:
    """What chroma is multiplied by, 0 or more: of two lumas, near 0..255, of one shape, to that shape.

    The ratio of the lumas, and at most what the visible one is bright enough for.
    """
    most = visible * (1.0 / FAITHFUL) + 1.0
    return torch.minimum((fused + STEADY) / (visible + STEADY), most).relu()
