"""Gray pictures as the fusion metrics take them: equal sizes, 256 levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError

Gray = NDArray[Any]
"""(H, W), uint8 or float on 0..255."""

Levels = NDArray[np.uint8]

Samples = NDArray[np.float64]


def as_levels(*pictures: Gray, least_px: int = 1) -> list[Levels]:
    """Give the pictures as (H, W) uint8; floats are rounded and clipped to 0..255, as saving them as 8 bit would.

    least_px: the shortest side the caller can work with.
    Raises CoconetError for other shapes, unequal sizes, shorter sides, and NaN or infinite samples.
    """
    for picture in pictures:
        _check_shape(picture, pictures[0], least_px)
    return [picture if picture.dtype == np.uint8 else _rounded(picture) for picture in pictures]


def as_samples(*pictures: Gray, least_px: int = 1) -> list[Samples]:
    """Give the same as float64 on 0..255."""
    return [picture.astype(np.float64) for picture in as_levels(*pictures, least_px=least_px)]


def _check_shape(picture: Gray, first: Gray, least_px: int) -> None:
    if picture.ndim != 2 or min(picture.shape) < least_px:
        wanted, remedy = f"(H, W) gray pictures of at least {least_px} pixels a side", "Convert to gray or crop less."
    elif picture.shape != first.shape:
        wanted, remedy = f"pictures of equal size, here {first.shape}", "Bring all pictures to one size first."
    else:
        return
    raise CoconetError(
        "fusion metrics",
        wanted=wanted,
        got=f"shape {picture.shape}",
        remedy=remedy,
        says=f"need {wanted}, not shape {picture.shape}",
    )


def _rounded(picture: Gray) -> Levels:
    if not np.isfinite(picture).all():
        raise CoconetError(
            "fusion metrics",
            wanted="finite samples",
            got="NaN or infinity",
            remedy="Check the model's output first.",
            says="cannot be computed from NaN or infinity",
        )
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
