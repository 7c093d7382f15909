"""The pixels of decoded frames: BGR by way of planes is what FFmpeg gives at once."""

from __future__ import annotations

import av
import numpy as np
import pytest

from coconet.media.decoding import frame_pixels
from coconet.media.decoding.frame_pixels import INTERPOLATION, FrameDecoder

BT709, BT601, BT2020 = 1, 6, 9

LIMITED, FULL = 1, 2

PICTURE = np.random.default_rng(3).integers(0, 256, (27, 39, 3), np.uint8)


@pytest.mark.parametrize(("colours", "levels"), [(BT709, LIMITED), (BT601, FULL), (BT2020, LIMITED)])
@pytest.mark.parametrize(
    "layout", ["yuv420p", "yuvj422p", "yuv444p", "yuyv422", "nv12", "yuv420p10le", "bgr24", "rgb24", "gray"]
)
@pytest.mark.parametrize("joined_from_px", [1, 10**9])
def test_colours_are_those_that_ffmpeg_gives_at_once(
    layout: str, colours: int, levels: int, joined_from_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_pixels, "JOINED_FROM_PX", joined_from_px)
    frame = av.VideoFrame.from_ndarray(PICTURE, format="bgr24").reformat(format=layout)
    frame.colorspace, frame.color_range = colours, levels
    wanted = frame.reformat(format="bgr24", interpolation=INTERPOLATION).to_ndarray()
    decoder = FrameDecoder("picture", gray=False)
    assert all(np.array_equal(decoder.pixels(frame), wanted) for _ in range(2))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("layout", "kind"), [("grayf32", "f4"), ("grayf16", "f2"), ("gbrpf32", "f4"), ("gbrpf16", "f2")]
)
def test_infrared_floats_stay_as_they_are(layout: str, kind: str, order: str) -> None:
    degrees = np.random.default_rng(4).uniform(-40, 600, (27, 39)).astype(np.dtype(order + kind))
    frame = av.VideoFrame(39, 27, f"{layout}{'le' if order == '<' else 'be'}")
    for plane in frame.planes:
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : degrees.itemsize * 39] = degrees.view(np.uint8)
        plane.update(rows.tobytes())
    pixels = FrameDecoder("picture", gray=True).pixels(frame)
    assert (str(pixels.dtype), pixels.shape) == ("float32", (27, 39, 1))
    assert np.array_equal(pixels[:, :, 0], degrees.astype(np.float32))
