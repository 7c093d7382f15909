"""Arrays at the border: pictures as users have them, checked, and given the axes that everything inside expects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.frame_check import size_in_words

Picture = NDArray[np.uint8]
"""(H, W, 3) BGR, (H, W, 1) or (H, W) gray, uint8; in any memory layout, read-only or not."""

_GRAY = "(height, width) or (height, width, 1)"

_AS_ARRAY = "Convert it first: numpy.asarray(...) for pictures of PIL, .cpu().numpy() for tensors."

_TO_BYTES = {
    "f": "Scale to 0..255, round, and convert: numpy.clip(numpy.rint(picture), 0, 255).astype(numpy.uint8).",
    "i": "Cut off what is no level of 0..255: numpy.clip(picture, 0, 255).astype(numpy.uint8).",
    "b": "Make levels of it: picture.astype(numpy.uint8) * 255.",
    "u": "Bring raw counts to 8 bit first; a rig does that by itself, see coconet.open_rig.",
}

_OTHER_TYPE = "Give levels of 0..255 as numpy.uint8."


def colour_or_gray(side: str, picture: Picture) -> Pixels:
    """Check a picture, (H, W, 3) BGR, (H, W, 1) or (H, W), uint8, and return it contiguous as (H, W, 3) or (H, W, 1).

    side: what to call it in an error, such as `visible picture`. Raises CoconetError for anything else.
    """
    return _checked(side, picture, (1, 3), f"(height, width, 3), {_GRAY}")


def gray(side: str, picture: Picture) -> Pixels:
    """Check a picture, (H, W, 1) or (H, W), uint8, and return it contiguous as (H, W, 1); otherwise as above."""
    return _checked(side, picture, (1,), _GRAY)


def check_same_size(side: str, pixels: Pixels, visible: Pixels) -> None:
    """Raise CoconetError if a picture has not the height and width of the visible one."""
    if pixels.shape[:2] != visible.shape[:2]:
        raise CoconetError(
            side,
            wanted=f"{size_in_words(*visible.shape[:2])} like the visible picture",
            got=size_in_words(*pixels.shape[:2]),
            remedy="Align the two pictures, or scale one of them.",
            says=f"is {size_in_words(*pixels.shape[:2])}, but the visible picture is "
            f"{size_in_words(*visible.shape[:2])}",
        )


def _checked(side: str, picture: Picture, channels: tuple[int, ...], shapes: str) -> Pixels:
    wanted = f"a numpy array of uint8, shaped {shapes}"
    if picture is None:
        remedy = "Check the path of the file: cv2.imread gives None for one that it cannot read."
        raise CoconetError(side, wanted=wanted, got="None", remedy=remedy, says="is None")
    if isinstance(picture, np.ma.MaskedArray):
        remedy = "Say what its holes are to be: picture.filled(0)."
        raise CoconetError(
            side,
            wanted=wanted,
            got="a masked array",
            remedy=remedy,
            says="is a masked array, whose holes have no values",
        )
    if not isinstance(picture, np.ndarray):
        raise CoconetError(
            side,
            wanted=wanted,
            got=f"a {type(picture).__name__}",
            remedy=_AS_ARRAY,
            says=f"must be {wanted}, not a {type(picture).__name__}",
        )
    if picture.dtype != np.uint8:
        remedy = _TO_BYTES.get(picture.dtype.kind, _OTHER_TYPE)
        raise CoconetError(
            side,
            wanted=wanted,
            got=f"samples of type {picture.dtype}",
            remedy=remedy,
            says=f"has samples of type {picture.dtype}, and only uint8 is taken",
        )
    pixels = picture[:, :, None] if picture.ndim == 2 else picture
    if pixels.ndim != 3 or pixels.shape[2] not in channels:
        raise CoconetError(
            side,
            wanted=wanted,
            got=f"shape {picture.shape}",
            remedy=_shape_remedy(picture, channels),
            says=f"has shape {picture.shape}; expected {shapes}",
        )
    if pixels.size == 0:
        remedy = "Check where the picture was cut or read."
        raise CoconetError(
            side,
            wanted="at least one pixel",
            got=f"shape {picture.shape}",
            remedy=remedy,
            says=f"has no pixels: its shape is {picture.shape}",
        )
    return np.ascontiguousarray(pixels)


def _shape_remedy(picture: Picture, channels: tuple[int, ...]) -> str:
    if picture.ndim == 3 and picture.shape[2] == 4:
        return "Drop the alpha channel: picture[:, :, :3]."
    if picture.ndim == 3 and picture.shape[2] == 3:
        return "Convert it to one gray channel first."
    if picture.ndim == 3 and picture.shape[0] in channels:
        return "Move the channels last: picture.transpose(1, 2, 0)."
    return "Give one picture at a time, its channels last."
