"""Small recordings made on the spot: pictures, videos and cameras of a few frames."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from coconet.media.encoding.video_writer import VideoWriter
from coconet.media.image import write_picture
from coconet.media.pixels import Pixels, RawPixels
from coconet.runtime.frame import Frame

SECOND_NS = 10**9


def flat(level: int, width: int = 32, height: int = 24, channels: int = 3) -> Pixels:
    return np.full((height, width, channels), level, np.uint8)


def write_video(path: Path, pictures: Iterable[Pixels], fps: float = 30.0) -> Path:
    with VideoWriter(path) as writer:
        for index, picture in enumerate(pictures):
            writer.write(picture, round(index * SECOND_NS / fps))
    return path


def write_folder(folder: Path, pictures: Iterable[RawPixels]) -> Path:
    folder.mkdir()
    for index, picture in enumerate(pictures):
        write_picture(folder / f"{index:04}.png", picture)
    return folder


def noisy_video(path: Path, frames: int) -> Path:
    rng = np.random.default_rng(0)  # noise, so that the file is long enough to be cut anywhere
    return write_video(path, (rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(frames)))


def stamped(stamps_ns: Iterable[int]) -> list[Frame]:
    return [Frame(flat(0, 2, 2), stamp, index) for index, stamp in enumerate(stamps_ns)]


class ListCamera:
    """A camera that gives the frames of a list; a live one gives them without waiting for a reader."""

    def __init__(self, frames: Iterable[Frame], *, realtime: bool = False, name: str = "list") -> None:
        self.name, self.realtime, self.closed = name, realtime, False
        self._frames = iter(frames)

    def read(self) -> Frame | None:
        return next(self._frames, None)

    def close(self) -> None:
        self.closed = True


def write_stamped_video(path: Path, stamps_s: Iterable[float], size_px: tuple[int, int] = (32, 24)) -> Path:
    """A video whose frames carry exactly these times; the suffix says the container. Frame n has level n."""
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container:
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = size_px
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, stamp_s in enumerate(stamps_s):
            frame = av.VideoFrame.from_ndarray(flat(index, *size_px), format="bgr24")
            frame.pts, frame.time_base = round(stamp_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
