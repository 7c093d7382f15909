"""Videos in which every picture builds on the one before, so that damage spreads; and ways to damage them."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any

import av
import numpy as np

TS_PACKET = 188


def moving_video(
    codec: str = "libx264",
    container: str = "mpegts",
    *,
    frames: int = 100,
    pix_fmt: str = "yuv420p",
    options: Mapping[str, str] | None = None,
) -> bytes:
    """160x120 at 25 a second, a key frame every second; every picture is the one before, moved, and brighter."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=25, options={"preset": "veryfast", "bf": "0", **(options or {})})
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = 160, 120, pix_fmt, 25
        noise = np.random.default_rng(0).integers(0, 60, (120, 160, 3), np.uint8)
        for index in range(frames):
            picture = np.roll(noise, index, axis=1) + np.uint8(index)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    return file.getvalue()


def holed(data: bytes) -> bytes:
    """A transport stream without some of its packets, in its second quarter."""
    packets = [data[at : at + TS_PACKET] for at in range(0, len(data), TS_PACKET)]
    begin, end = int(len(packets) * 0.3), int(len(packets) * 0.33)
    return b"".join(packets[:begin] + packets[end:])


def flipped(data: bytes, bits: int = 6) -> bytes:
    """The same with some bits turned over, behind what a player needs to begin."""
    rng, changed = random.Random(1), bytearray(data)  # noqa: S311
    for _ in range(bits):
        changed[rng.randrange(len(data) // 4, len(data) * 9 // 10)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def without_packet(data: bytes, index: int) -> bytes:
    """The stream in Matroska without one of its packets, as a recorder leaves it that has lost one on the network."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(file, "w", format="matroska") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number != index:
                packet.stream = stream
                output.mux(packet)
    return file.getvalue()
