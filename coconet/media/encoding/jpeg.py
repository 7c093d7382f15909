"""JPEG in memory: a picture as the bytes of a file, for browsers, bags and servers."""

from __future__ import annotations

from coconet.errors import CoconetError, MissingPackage
from coconet.media.pixels import Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="encoding pictures", extra="headless") from error


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """(H, W, 3) BGR or (H, W, 1) gray, uint8, as a JPEG file. quality: 0 to 100.

    Raises CoconetError for more than JPEG takes, which is 65535 pixels a side.
    """
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise CoconetError(
            "JPEG",
            wanted="pixels that fit",
            got=str(pixels.shape),
            remedy="Use smaller pictures.",
            says=f"cannot hold a picture of shape {pixels.shape}",
        )
    return data.tobytes()
