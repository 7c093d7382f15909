"""Images of ROS as pixels: every encoding, rows with padding, other byte orders, and what is damaged."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.ros.image_message import ENCODINGS, compressed_message, image_message, pixels_of
from coconet.runtime.ros.messages import COMPRESSED, IMAGE, pack, stamp_of
from tests.support.ros.bags import FIRST_NS, TYPES, compressed, image

RNG = np.random.default_rng(3)

BGR = RNG.integers(0, 256, (6, 8, 3), np.uint8)

LEVELS = RNG.integers(0, 256, (6, 8, 1), np.uint8)

COUNTS = RNG.integers(0, 1 << 16, (6, 8, 1), np.uint16)

OPAQUE = np.full((6, 8, 1), 255, np.uint8)


@pytest.mark.parametrize(
    ("encoding", "sent", "shown"),
    [
        ("mono8", LEVELS, LEVELS),
        ("8UC1", LEVELS, LEVELS),
        ("mono16", COUNTS, COUNTS),
        ("16UC1", COUNTS, COUNTS),
        ("16SC1", COUNTS.view(np.int16), COUNTS.view(np.int16).astype(np.float32)),
        ("32FC1", COUNTS.astype(np.float32), COUNTS.astype(np.float32)),
        ("bgr8", BGR, BGR),
        ("8UC3", BGR, BGR),
        ("rgb8", BGR[:, :, ::-1], BGR),
        ("bgra8", np.dstack([BGR, OPAQUE]), BGR),
        ("8UC4", np.dstack([BGR, OPAQUE]), BGR),
        ("rgba8", np.dstack([BGR[:, :, ::-1], OPAQUE]), BGR),
        ("rgb16", BGR[:, :, ::-1].astype(np.uint16) * 257, BGR.astype(np.uint16) * 257),
    ],
)
@pytest.mark.parametrize("padding", [0, 4])
def test_pixels_come_out_as_they_were_sent(encoding: str, sent: RawPixels, shown: RawPixels, padding: int) -> None:
    pixels = pixels_of(image(sent, encoding, FIRST_NS, padding=padding), "camera")
    assert pixels.dtype == shown.dtype
    assert np.array_equal(pixels, shown)


def test_counts_in_the_other_byte_order_are_turned() -> None:
    other = image(COUNTS.byteswap(), "mono16", FIRST_NS, big_endian=sys.byteorder == "little")
    assert np.array_equal(pixels_of(other, "camera"), COUNTS)


@pytest.mark.parametrize(("order", "places"), [("rggb", "RGGB"), ("bggr", "BGGR"), ("gbrg", "GBRG"), ("grbg", "GRBG")])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_mosaic_of_one_colour_is_that_colour(order: str, places: str, bits: int) -> None:
    """Each letter is the filter of a pixel: the first row's two, then the second row's."""
    scale = 257 if bits == 16 else 1
    colour = {"B": 30 * scale, "G": 90 * scale, "R": 200 * scale}
    mosaic = np.tile(np.array([colour[place] for place in places]).reshape(2, 2), (4, 5)).astype(f"u{bits // 8}")
    pixels = pixels_of(image(mosaic[:, :, None], f"bayer_{order}{bits}", FIRST_NS), "camera")
    assert np.array_equal(np.unique(pixels.reshape(-1, 3), axis=0), [[colour["B"], colour["G"], colour["R"]]])


@pytest.mark.parametrize(("encoding", "order"), [("yuv422", "UYVY"), ("yuv422_yuy2", "YUYV"), ("uyvy", "UYVY")])
def test_yuv_of_a_usb_camera_becomes_colours(encoding: str, order: str) -> None:
    """BT.601 of video range: luma 81, chroma 90 and 240 are a full red."""
    values = {"Y": 81, "U": 90, "V": 240}
    row = np.array([values[letter] for letter in order], np.uint8).reshape(2, 2)
    pixels = pixels_of(image(np.tile(row, (4, 3, 1)), encoding, FIRST_NS), "camera")
    assert pixels.shape == (4, 6, 3)
    assert np.abs(pixels.astype(int) - [0, 0, 255]).max() <= 2


@pytest.mark.parametrize("form", ["png", "mono16; png compressed ", "16UC1; png compressed"])
def test_compressed_counts_lose_nothing(form: str) -> None:
    message = compressed(cv2.imencode(".png", COUNTS)[1].tobytes(), form, FIRST_NS)
    assert np.array_equal(pixels_of(message, "camera"), COUNTS)


def test_a_compressed_picture_whose_channels_are_red_first_is_turned() -> None:
    data = cv2.imencode(".png", BGR[:, :, ::-1])[1].tobytes()
    assert np.array_equal(pixels_of(compressed(data, "rgb8; png compressed rgb8", FIRST_NS), "camera"), BGR)
    assert np.array_equal(pixels_of(compressed(data, "rgb8; png compressed bgr8", FIRST_NS), "camera"), BGR[:, :, ::-1])


@pytest.mark.parametrize("pixels", [LEVELS, COUNTS, BGR, COUNTS.astype(np.float32)])
def test_what_is_sent_is_a_message_by_its_definition_and_comes_back_whole(pixels: RawPixels) -> None:
    message = image_message(pixels, FIRST_NS, "camera")
    read = TYPES.deserialize_cdr(pack(IMAGE, message), IMAGE)
    assert stamp_of(read) == FIRST_NS
    assert np.array_equal(pixels_of(read, "camera"), pixels)


def test_a_fused_picture_is_sent_as_jpeg() -> None:
    smooth = np.dstack([np.tile(np.arange(64, dtype=np.uint8) * 2, (48, 1))] * 3)
    message: Any = TYPES.deserialize_cdr(pack(COMPRESSED, compressed_message(smooth, FIRST_NS, "visible")), COMPRESSED)
    assert (message.format, message.header.frame_id, stamp_of(message)) == ("jpeg", "visible", FIRST_NS)
    assert np.abs(pixels_of(message, "camera").astype(int) - smooth).max() <= 3


def test_an_encoding_that_is_not_read_is_named_with_those_that_are() -> None:
    with pytest.raises(CoconetError, match="the encoding 'nv21'.*bayer_rggb8") as failure:
        pixels_of(image(LEVELS, "nv21", FIRST_NS), "run.mcap#/camera")
    assert all(encoding in str(failure.value) for encoding in ENCODINGS)


def test_fewer_bytes_than_an_image_says_are_damage() -> None:
    message = image(BGR, "bgr8", FIRST_NS)
    message.data = message.data[:-1]
    with pytest.raises(CoconetError, match="the image it describes: 8x6 bgr8 in rows of 24 bytes, with 143 bytes"):
        pixels_of(message, "camera")


@pytest.mark.parametrize("form", ["jpeg", "h264", "16UC1; compressedDepth png"])
def test_bytes_that_are_no_picture_are_refused_with_their_format(form: str) -> None:
    with pytest.raises(CoconetError, match=f"the format '{form}'"):
        pixels_of(compressed(b"\0\0\0\1", form, FIRST_NS), "camera")
