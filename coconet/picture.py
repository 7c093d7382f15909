"""Picture files: read as uint8 or uint16 arrays, written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, whole_file
from coconet.pairs import check_picture_ending

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="reading and writing pictures") from error

Pixels = NDArray[Any]


def read_picture(path: Path) -> Pixels:
    """Read a picture as (H, W, 3) BGR or (H, W, 1) gray, uint8 or uint16 as stored; an alpha channel is dropped."""
    data = np.fromfile(existing_file(path, "a picture file"), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        got = "bytes that are no picture" if pixels is None else f"samples of type {pixels.dtype}"
        raise CoconetError(
            path, wanted="an 8 or 16 bit picture", got=got, remedy="Remove the file or save it again as PNG."
        )
    return pixels[:, :, None] if pixels.ndim == 2 else pixels[:, :, :3]


def read_gray(path: Path) -> Pixels:
    """Read a picture as (H, W) uint8 luma, BT.601 full range (OpenCV's BGR2GRAY)."""
    pixels = read_picture(path)
    if pixels.dtype != np.uint8:
        raise CoconetError(
            path, wanted="8 bit samples", got="16 bit samples", remedy="Convert the picture to 8 bit first."
        )
    return pixels[:, :, 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


def write_picture(path: Path, pixels: Pixels) -> None:
    """Write (H, W, 3) BGR or (H, W, 1) pixels; the suffix chooses the format."""
    check_picture_ending(path)
    with whole_file(path) as scratch:
        encoded, data = cv2.imencode(path.suffix, pixels)
        if not encoded:
            raise CoconetError(
                path, wanted="pixels that fit the format", got=str(pixels.shape), remedy="Use the ending .png."
            )
        data.tofile(scratch)
