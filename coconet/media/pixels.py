"""Pixels: the arrays that pictures are, their luma by one rule for everything, and the eight ways they lie."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.media.luma_weights import BGR_WEIGHTS

Pixels = NDArray[np.uint8]
"""(H, W, 3) BGR or (H, W, 1) gray, uint8."""

RawPixels = NDArray[Any]
"""As a source gives them: uint8 or uint16 like Pixels, or (H, W, 1) float32, NaN where nothing was measured."""

BGR_TO_LUMA = np.array(BGR_WEIGHTS, np.float32)
"""BGR_WEIGHTS for arrays."""

TRANSPARENT = "parts of its pictures are transparent; what lies under them is taken as if they were not."
"""What is said, once, of a folder with a picture whose alpha channel says something."""

UPRIGHT = 1
"""The orientation, in EXIF's counting, of what is stored as it is to be seen."""

SIDES_SWAPPED = frozenset({5, 6, 7, 8})
"""The orientations in which rows become columns."""


def luma(pixels: Pixels) -> NDArray[np.float32]:
    """(H, W, 3) BGR or (H, W, 1) gray to (H, W) on 0..255, not rounded: rounding would be a change of its own."""
    samples = pixels.astype(np.float32)
    plane: NDArray[np.float32] = samples @ BGR_TO_LUMA if pixels.shape[2] == 3 else samples[:, :, 0]
    return plane


def nearest_luma(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) BGR or (H, W, 1) gray to (H, W): `luma` rounded to the nearest level."""
    return np.rint(luma(pixels)).astype(np.uint8)


def as_gray(pixels: RawPixels) -> RawPixels:
    """(H, W, 3) BGR or (H, W, 1) gray, uint8 or uint16, to (H, W, 1) of the same type: luma as cameras are read.

    OpenCV's BGR2GRAY, which weighs in 15 bit integers; one sample in about 700 is a level from `nearest_luma`.
    """
    if pixels.shape[2] == 1:
        return pixels
    cv2 = _opencv()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))[:, :, None]


def as_bgr(pixels: RawPixels) -> RawPixels:
    """(H, W, 3) BGR or (H, W, 1) gray to (H, W, 3) of the same type, gray in all three channels.

    By OpenCV's merge: numpy's repeat takes some ten times as long.
    """
    if pixels.shape[2] == 3:
        return pixels
    plane = np.ascontiguousarray(pixels)
    return np.asarray(_opencv().merge([plane, plane, plane]))


def split_luma(pixels: Pixels) -> tuple[Pixels, Pixels | None]:
    """(H, W, 3) BGR to its luma (H, W, 1) and the whole as Y'CbCr (H, W, 3), for `join_luma`; gray to itself and None.

    OpenCV's full-range Y'CbCr of BT.601.
    """
    if pixels.shape[2] == 1:
        return pixels, None
    cv2 = _opencv()
    parts = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb), np.uint8)
    return parts[:, :, :1], parts


def join_luma(level: Pixels, parts: Pixels | None) -> Pixels:
    """Another luma (H, W, 1) with the colours that `split_luma` kept, which it overwrites: (H, W, 3) BGR, or gray.

    A colour that cannot be that bright or dark is clipped.
    """
    if parts is None:
        return level
    cv2 = _opencv()
    cv2.insertChannel(np.ascontiguousarray(level), parts, 0)
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR), np.uint8)


def _opencv() -> ModuleType:
    """OpenCV, which only these conversions need here; models fuse colour pictures without it."""
    try:
        import cv2
    except ImportError as error:
        raise MissingPackage("cv2", job="turning gray pictures into colour and back", extra="headless") from error
    return cv2


class Digest(Protocol):
    """A running hash, such as hashlib gives."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""


def add_to(digest: Digest, pixels: RawPixels) -> None:
    """Take the shape, the type and the samples of a picture into a running hash."""
    digest.update(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())


def upright(pixels: RawPixels, orientation: int) -> RawPixels:
    """Turn (H, W, C) pixels of any type as EXIF's tag 274 says, 1 to 8; 1 gives the same array."""
    if orientation == UPRIGHT:
        return pixels
    turned = np.swapaxes(pixels, 0, 1) if orientation in SIDES_SWAPPED else pixels
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return np.ascontiguousarray(turned)


_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}
"""Transfer curves, as ITU-T H.273 numbers them, whose samples are no levels of an ordinary screen."""


def check_dynamic_range(transfer: int, where: object) -> None:
    """Refuse visible pictures whose transfer curve is one of high dynamic range."""
    if transfer in _HDR:
        raise CoconetError(
            where,
            wanted="visible pictures of standard dynamic range",
            got=f"high dynamic range, {_HDR[transfer]}",
            remedy="Convert them to BT.709 first, for example by the filters zscale and tonemap of FFmpeg.",
            says=f"has visible pictures of high dynamic range, {_HDR[transfer]}, which are not taken",
        )
