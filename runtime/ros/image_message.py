"""Images of ROS as pixels, and pixels as images of ROS: every encoding that cameras send, raw or compressed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from coconet.media.encoding.jpeg import encode_jpeg
from coconet.media.header import MOST_PIXELS, picture_header
from coconet.media.pixels import Pixels, RawPixels
from coconet.runtime.ros.messages import COMPRESSED, IMAGE, Make, header, make

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="images of ROS", extra="headless") from error

_PLAIN = {
    "mono8": ("u1", 1),
    "8UC1": ("u1", 1),
    "mono16": ("u2", 1),
    "16UC1": ("u2", 1),
    "16SC1": ("i2", 1),
    "32FC1": ("f4", 1),
    "bgr8": ("u1", 3),
    "8UC3": ("u1", 3),
    "rgb8": ("u1", 3),
    "bgra8": ("u1", 4),
    "8UC4": ("u1", 4),
    "rgba8": ("u1", 4),
    "bgr16": ("u2", 3),
    "rgb16": ("u2", 3),
    "yuv422": ("u1", 2),
    "uyvy": ("u1", 2),
    "yuv422_yuy2": ("u1", 2),
    "yuyv": ("u1", 2),
}
"""The type of a sample, and how many a pixel has, of sensor_msgs/image_encodings."""

_MOSAICS = {
    "bayer_rggb": cv2.COLOR_BayerBG2BGR,
    "bayer_bggr": cv2.COLOR_BayerRG2BGR,
    "bayer_gbrg": cv2.COLOR_BayerGR2BGR,
    "bayer_grbg": cv2.COLOR_BayerGB2BGR,
}
"""ROS names the first two pixels of the first two rows, OpenCV those of the second row and column."""

_TO_BGR = {
    "rgb8": cv2.COLOR_RGB2BGR,
    "rgb16": cv2.COLOR_RGB2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "8UC4": cv2.COLOR_BGRA2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "yuv422": cv2.COLOR_YUV2BGR_UYVY,
    "uyvy": cv2.COLOR_YUV2BGR_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2BGR_YUY2,
    "yuyv": cv2.COLOR_YUV2BGR_YUY2,
}

ENCODINGS = (*_PLAIN, *(f"{name}{bits}" for name in _MOSAICS for bits in (8, 16)))
"""Those that are read."""

_JPEG_QUALITY = 95

_DAMAGED = "The message is damaged: record it again, or leave it out, in coconet run and batch, with --on-error skip"


def pixels_of(message: Any, where: str) -> RawPixels:
    """The pixels of an Image or a CompressedImage: (H, W, 3) BGR or (H, W, 1), uint8, uint16 or float32.

    where: the camera, for errors. Raises CoconetError for an encoding that is not read, and for bytes that are not as
    many as the message says, or no picture.
    """
    return _decoded(message, where) if hasattr(message, "format") else _raw(message, where)


def encoding_of(message: Any) -> str:
    """How a message holds its picture: the encoding of an image, the format of a compressed one."""
    return str(message.format if hasattr(message, "format") else message.encoding)


def _raw(message: Any, where: str) -> RawPixels:
    encoding, height, width = str(message.encoding), int(message.height), int(message.width)
    mosaic = next((name for name in _MOSAICS if encoding in (f"{name}8", f"{name}16")), None)
    kind, channels = _PLAIN.get(encoding, ("", 0)) if mosaic is None else ("u2" if encoding.endswith("16") else "u1", 1)
    if not kind:
        raise CoconetError(
            where,
            wanted=f"images of {', '.join(ENCODINGS)}",
            got=f"the encoding {encoding[:40]!r}",
            remedy=f"Republish the topic in one of {', '.join(ENCODINGS)}, or name another topic.",
            says=f"has images in the encoding {encoding[:40]!r}, which cannot be read",
        )
    row = width * channels * np.dtype(kind).itemsize
    step = int(message.step) or row
    data: NDArray[np.uint8] = np.frombuffer(memoryview(message.data).cast("B"), np.uint8)
    if not (width > 0 and height > 0 and width * height <= MOST_PIXELS and row <= step) or len(data) < step * height:
        got = f"{width}x{height} {encoding} in rows of {step} bytes, with {len(data)} bytes"
        raise CoconetError(
            where,
            wanted="as many bytes as an image says",
            got=got,
            remedy=f"{_DAMAGED}.",
            says=f"does not hold the image it describes: {got}",
        )
    rows = data[: step * height].reshape(height, step)[:, :row]
    samples = np.ascontiguousarray(rows).view(np.dtype(kind))
    if message.is_bigendian != (sys.byteorder == "big"):
        samples = samples.byteswap()
    pixels: RawPixels = samples.reshape(height, width, channels)
    if mosaic is not None:
        return np.asarray(cv2.cvtColor(pixels, _MOSAICS[mosaic]))
    if encoding in _TO_BGR:
        return np.asarray(cv2.cvtColor(pixels, _TO_BGR[encoding]))
    return pixels.astype(np.float32) if kind == "i2" else pixels


def _decoded(message: Any, where: str) -> RawPixels:
    words, data = str(message.format), bytes(memoryview(message.data).cast("B"))
    if "compressedDepth" in words:
        remedy = "Name the raw topic, or republish it with the transport `compressed`."
        raise CoconetError(
            where,
            wanted="JPEG or PNG",
            got=f"the format {words[:60]!r}",
            remedy=remedy,
            says=f"has the format {words[:60]!r}; expected JPEG or PNG",
        )
    known = picture_header(data)
    pixels = None
    if known.kind and known.width_px * known.height_px <= MOST_PIXELS:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        remedy = f"Name a topic of raw images, of JPEG or of PNG. {_DAMAGED}, if it is one."
        got = f"{len(data)} bytes that are none, of the format {words[:60]!r}"
        raise CoconetError(
            where,
            wanted="pictures in JPEG or PNG",
            got=got,
            remedy=remedy,
            says=f"has no picture in JPEG or PNG, but {len(data)} bytes of the format {words[:60]!r}",
        )
    if pixels.ndim == 2:
        return np.asarray(pixels)[:, :, None]
    if words.rstrip().endswith("rgb8"):  # the last word says in which order the channels were compressed
        pixels = cv2.cvtColor(pixels[:, :, :3], cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(pixels[:, :, :1] if known.gray else pixels[:, :, :3])


def image_message(pixels: RawPixels, stamp_ns: int, frame_id: str, make: Make = make) -> Any:
    """A sensor_msgs/msg/Image of (H, W, 3) BGR uint8 or (H, W, 1) uint8, uint16 or float32 pixels, without loss."""
    names = {("uint8", 1): "mono8", ("uint8", 3): "bgr8", ("uint16", 1): "mono16", ("float32", 1): "32FC1"}
    encoding = names.get((str(pixels.dtype), pixels.shape[2]))
    if encoding is None:
        raise CoconetError(
            frame_id,
            wanted=f"pixels that are {', '.join(names.values())}",
            got=f"{pixels.dtype} of shape {pixels.shape}",
            remedy="Record this camera into a folder instead.",
            says=f"gives {pixels.dtype} of shape {pixels.shape}, which ROS images have no encoding for",
        )
    height, width, channels = pixels.shape
    flat = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8)
    return make(
        IMAGE,
        header=header(stamp_ns, frame_id, make),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=width * channels * pixels.dtype.itemsize,
        data=flat,
    )


def compressed_message(pixels: Pixels, stamp_ns: int, frame_id: str) -> Any:
    """A sensor_msgs/msg/CompressedImage of (H, W, 3) BGR or (H, W, 1) uint8 pixels, as JPEG of quality 95."""
    data = np.frombuffer(encode_jpeg(pixels, _JPEG_QUALITY), np.uint8)
    return make(COMPRESSED, header=header(stamp_ns, frame_id), format="jpeg", data=data)
