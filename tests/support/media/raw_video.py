"""Videos written by FFmpeg's libraries alone: any codec, pixel format, colour, turn and shape of a pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VideoForm:
    """codec, stored: the encoder and the pixel format in the file. array: the format of the pictures given.

    turn_degrees: counter-clockwise, as display rotation. aspect: of a pixel. colour: attributes of the encoder.
    """

    codec: str = "ffv1"
    stored: str = "gray16le"
    array: str = "gray16le"
    turn_degrees: int = 0
    mirrored: bool = False
    aspect: Fraction | None = None
    colour: dict[str, int] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


def write_raw_video(path: Path, pictures: Iterable[NDArray[np.generic]], form: VideoForm) -> Path:
    """Write pictures as frames at 25 a second."""
    with av.open(str(path), "w") as container:
        stream = None
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=form.array)
            if form.stored != form.array:
                frame = frame.reformat(format=form.stored)
            if stream is None:
                stream = cast(av.VideoStream, container.add_stream(form.codec, rate=25, options=form.options))
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, form.stored
                for name, value in form.colour.items():
                    setattr(stream.codec_context, name, value)
                if form.aspect is not None:
                    stream.codec_context.sample_aspect_ratio = form.aspect
                if form.turn_degrees or form.mirrored:
                    stream.set_display_matrix(_matrix(form.turn_degrees, form.mirrored))
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def _matrix(degrees: int, mirrored: bool) -> Sequence[int]:
    """ISO 14496-12: x' = a x + c y, y' = b x + d y, y downwards, in 16.16 fixed point; mirrored first, then turned."""
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), 270: (0, 1, -1, 0)}[degrees]
    if mirrored:
        a, b = -a, -b
    return [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
