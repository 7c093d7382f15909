"""Patch files: HDF5 in the layout of the published training data of CoCoNet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file

try:
    import h5py
except ImportError as error:
    raise MissingPackage("h5py", job="reading patches from HDF5", extra="train") from error

KEY = "data"
CHANNELS = (2, 3)
"""Visible and infrared, or these and the mask."""
BLOCK = 256
"""Patches read at once, so that a large file does not lie in memory as floats."""


def read_patches(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Every patch of a file as (C, H, W) uint8: visible, infrared and, in files of three channels, the mask.

    The file holds one array `data` in 0..1, (N, C, H, W) or, with channels last, (N, H, W, C). Which of the two is
    seen from its shape. Raises CoconetError for a file without it, for other shapes and for values outside 0..1.
    """
    with _opened(path) as file:
        array = file.get(KEY)
        if not isinstance(array, h5py.Dataset):
            raise _refused(path, f"an array called {KEY}", f"only {', '.join(file) or 'nothing'}")
        axis = _channel_axis(path, array.shape)
        for first in range(0, len(array), BLOCK):
            yield from _levels(path, np.moveaxis(array[first : first + BLOCK], axis, 1))


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(existing_file(path, "an HDF5 file of patches"), "r")
    except OSError as error:
        raise _refused(path, "a whole HDF5 file", str(error)) from error


def _channel_axis(path: Path, shape: tuple[int, ...]) -> int:
    axes = [axis for axis in (1, 3) if len(shape) == 4 and shape[axis] in CHANNELS]
    if len(axes) != 1:
        raise _refused(path, "patches of shape (N, 2 or 3, H, W) or (N, H, W, 2 or 3)", f"shape {shape}")
    return axes[0]


def _levels(path: Path, values: NDArray[np.floating]) -> NDArray[np.uint8]:
    # Written so that NaN does not pass.
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        raise _refused(path, "values in 0..1", f"{values.min():g} to {values.max():g}")
    levels: NDArray[np.uint8] = np.rint(values * 255.0).astype(np.uint8)
    return levels


def _refused(path: Path, wanted: str, got: str) -> CoconetError:
    return CoconetError(path, wanted=wanted, got=got, remedy="Write the patches again in this layout.")
