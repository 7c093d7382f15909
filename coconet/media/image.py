"""Picture files, read as uint8 or uint16 arrays and written whole, and pictures resized."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, whole_file
from coconet.media.pairs import check_picture_ending
from coconet.media.pixels import Pixels, RawPixels, as_gray

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="reading and writing pictures") from error


def read_picture(path: Path) -> RawPixels:
    """Read a picture as (H, W, 3) BGR or (H, W, 1) gray, uint8 or uint16 as stored; an alpha channel is dropped."""
    data = np.fromfile(existing_file(path, "a picture file"), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        got = "bytes that are no picture" if pixels is None else f"samples of type {pixels.dtype}"
        raise CoconetError(
            path, wanted="an 8 or 16 bit picture", got=got, remedy="Remove the file or save it again as PNG."
        )
    return pixels[:, :, None] if pixels.ndim == 2 else pixels[:, :, :3]


def read_gray(path: Path) -> RawPixels:
    """Read a picture as (H, W) uint8 luma, as `as_gray` rounds it."""
    pixels = read_picture(path)
    if pixels.dtype != np.uint8:
        raise CoconetError(
            path, wanted="8 bit samples", got="16 bit samples", remedy="Convert the picture to 8 bit first."
        )
    return as_gray(pixels)[:, :, 0]


def write_picture(path: Path, pixels: RawPixels) -> None:
    """Write (H, W, 3) BGR or (H, W, 1) pixels; the suffix chooses the format."""
    check_picture_ending(path)
    with whole_file(path) as scratch:
        encoded, data = cv2.imencode(path.suffix, pixels)
        if not encoded:
            raise CoconetError(
                path, wanted="pixels that fit the format", got=str(pixels.shape), remedy="Use the ending .png."
            )
        data.tofile(scratch)


def resize(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """(H, W, C) to (height_px, width_px, C), uint8; sides of the size it has already come back unchanged."""
    smaller = width_px * height_px < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=method), np.uint8)
    return scaled.reshape(height_px, width_px, pixels.shape[2])  # OpenCV drops the axis of a single channel
