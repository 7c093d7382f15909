"""Laplacian pyramids: fusion without a network, the classic to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.metrics.gray import Gray, Levels, as_levels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="fusing by Laplacian pyramids", extra="headless") from error


Plane = NDArray[np.float32]
"""(H, W), in levels of 0..255; details are signed."""


def fuse_pyramids(infrared: Gray, visible: Gray, details: int = 4) -> Levels:
    """Fuse two (H, W) pictures on 0..255: the mean of what is coarse, of every detail the stronger; uint8.

    details: how many times the pictures are halved; a detail of step n is about 2^n pixels wide.
    A picture fused with itself comes back unchanged.
    Source: Burt and Adelson, Merging images through pattern decomposition, Proc. SPIE 575 (1985).
    """
    infrared, visible = as_levels(infrared, visible)
    if details < 1 or min(infrared.shape) < 2**details:
        raise CoconetError(
            "Laplacian pyramid",
            wanted="1 detail or more, and sides of 2^details pixels or more",
            got=f"{details} details of {infrared.shape[1]} x {infrared.shape[0]} pixels",
            remedy="Take fewer details or larger pictures.",
            says=f"cannot have {details} details with {infrared.shape[1]} x {infrared.shape[0]} pixels: it needs one "
            "at least, and sides of 2^details pixels or more",
        )
    *ours, our_base = _pyramid(infrared, details)
    *theirs, their_base = _pyramid(visible, details)
    fused: Plane = (our_base + their_base) * np.float32(0.5)
    for our_detail, their_detail in zip(reversed(ours), reversed(theirs), strict=True):
        stronger = np.where(np.abs(our_detail) > np.abs(their_detail), our_detail, their_detail)
        fused = _enlarged(fused, stronger) + stronger
    (levels,) = as_levels(fused)
    return levels


def _pyramid(picture: Levels, details: int) -> list[Plane]:
    """The details, finest first, and the coarse rest."""
    planes: list[Plane] = []
    rest: Plane = picture.astype(np.float32)
    for _ in range(details):
        smaller: Plane = np.asarray(cv2.pyrDown(rest), np.float32)
        planes.append(rest - _enlarged(smaller, rest))
        rest = smaller
    return [*planes, rest]


def _enlarged(plane: Plane, like: Plane) -> Plane:
    return np.asarray(cv2.pyrUp(plane, dstsize=(like.shape[1], like.shape[0])), np.float32)
