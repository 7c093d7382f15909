"""Pictures as encoders take them: 4:2:0, even sides, BT.601."""

from __future__ import annotations

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.decoding.frame_pixels import INTERPOLATION
from coconet.media.pixels import Pixels

try:
    import av
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error


def yuv_frame(pixels: Pixels) -> av.VideoFrame:
    """Turn (H, W, 3) BGR or (H, W, 1) gray uint8 into 4:2:0 video of even sides, BT.601, limited range."""
    height, width, channels = pixels.shape
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    if channels == 1:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:, :, 0]), format="gray")
    else:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24")
    return frame.reformat(
        format="yuv420p",
        dst_colorspace="ITU601",
        src_color_range="JPEG",
        dst_color_range="MPEG",
        interpolation=INTERPOLATION,
    )
