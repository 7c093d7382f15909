"""JPEG and PNG to pixels and back, in memory, for pictures that travel."""

from __future__ import annotations

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.media.encoding.jpeg import encode_jpeg
from coconet.media.header import picture_header
from coconet.media.pixels import Pixels
from coconet.runtime.serving.protocol.picture_coding import CODINGS, PictureCoding

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="pictures as JPEG or PNG", extra="headless") from error

_BITS = 8
"""Of a sample: OpenCV would make 8 of 16 by their higher half, in which the counts of a camera are nearly one level."""

_ENDS = {"jpeg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}


def encoded_picture(pixels: Pixels, coding: PictureCoding) -> bytes:
    """(H, W, 3) BGR or (H, W, 1), uint8, as a file. PNG is packed lightly, which is fast."""
    if coding.kind == "jpeg":
        return encode_jpeg(pixels, coding.quality)
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise _unread("one that cannot be written", "cannot be written as PNG")
    return data.tobytes()


def decoded_picture(data: bytes, channels: int, largest: int) -> Pixels:
    """A file to (H, W, channels) uint8, as its pixels lie: what a file says of its orientation does not count.

    largest: bytes of its pixels, which are counted before any memory is taken for them.
    A gray picture becomes a coloured one of three channels alike, and where one channel is wanted, a coloured one of
    channels alike becomes a gray one: neither changes a level.
    Raises CoconetError for what is neither JPEG nor PNG, is damaged or cut off, has more pixels than that, more than
    8 bits a sample, or colours where one channel is wanted.
    """
    header = picture_header(data)
    if header.kind not in CODINGS:
        raise _unread("something else", "is neither JPEG nor PNG")
    stored = 1 if header.gray else 3
    if header.width_px * header.height_px * max(channels, stored) > largest:
        size = f"{header.width_px} x {header.height_px}, more than {largest / 1e6:.0f} MB of pixels"
        raise _unread(f"one of {size}", f"is {size}")
    if not data.endswith(_ENDS[header.kind]):
        raise _unread("one that was cut off", "was cut off")
    if header.bits > _BITS:
        remedy = "Spread its levels over 0 to 255 and send it with 8 bits."
        raise _unread(f"one of {header.bits} bits", f"has {header.bits} bits a sample, but must have 8", remedy)
    mode = cv2.IMREAD_COLOR if max(channels, stored) == 3 else cv2.IMREAD_GRAYSCALE
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise _unread("a damaged one", "is damaged")
    found = np.asarray(pixels, np.uint8).reshape(*pixels.shape[:2], max(channels, stored))
    if found.shape[2] > channels:
        gray = found[:, :, :1]
        if (found != gray).any():
            remedy = "Send it in one channel; an infrared one without a palette of colours."
            raise _unread("one in colour", "is in colour, but must be gray", remedy)
        found = np.ascontiguousarray(gray)
    return found


def _unread(got: str, says: str, remedy: str = "Send another one.") -> CoconetError:
    return CoconetError("picture", wanted="a picture as JPEG or PNG", got=got, remedy=remedy, says=says)
