"""The pixels of a decoded frame: upright and square, counts as counts, gray as gray, colours as the stream says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.event_log import warn_once
from coconet.installation.opencv import has_opencv
from coconet.media.palettes.recognition import InfraredGray, is_coloured
from coconet.media.pixels import UPRIGHT, RawPixels, check_dynamic_range, upright

try:
    import av
    from av.sidedata.sidedata import Type
    from av.video.reformatter import VideoReformatter
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

# Numbers of FFmpeg's headers; without the two flags its scaler is up to 5 grey levels off and darkens on average.
_BICUBIC, _FULL_CHROMA, _ACCURATE_ROUNDING = 4, 0x2000, 0x40000

INTERPOLATION = _BICUBIC | _FULL_CHROMA | _ACCURATE_ROUNDING

_NEUTRAL = 12  # how far chroma lies from its middle in gray pictures that went through a lossy codec, of 8 bit

_COLOUR_SHARE = 0.02

_CHROMA_STEP = 4

_MOST_ASPECT = 8


JOINED_FROM_PX = 1_000_000
"""Pixels from which it is worth loading OpenCV, if nothing else has."""


def _unknown_kind(kinds: type[Type], value: Any) -> Type:
    """A kind of side data that PyAV has no name for, such as EXIF: without one, it would not give the others either."""
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = f"UNKNOWN_{value}", value
    return kind


Type._missing_ = classmethod(_unknown_kind)  # type: ignore[assignment, method-assign]

_MATRICES: dict[tuple[int, ...], int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""The four numbers a, b, c, d of a display matrix, x' = a x + c y and y' = b x + d y, y downwards (ISO 14496-12)."""


class FrameDecoder:
    """Turns the frames of one stream into pixels; remembers the palette of a coloured infrared stream.

    gray: for infrared streams: (H, W, 1), uint8 expanded to 0..255, or uint16 or float32 counts as they are where the
    samples have more than 8 bits. Otherwise (H, W, 3) BGR uint8, by the colour matrix and range that the stream says.
    """

    def __init__(self, where: str, *, gray: bool, palette: str = "auto", sample_aspect: Fraction | None = None) -> None:
        """Prepare to decode; where: for messages, without a password. sample_aspect: a pixel's width by its height.

        Raises CoconetError for pixels of no reasonable shape.
        """
        self._where, self._gray, self._aspect = where, gray, sample_aspect or Fraction(1)
        self._infrared = InfraredGray(palette, where, follows=True)
        self._orientations: dict[int, int] = {}
        self._scaler, self._parter = VideoReformatter(), VideoReformatter()  # for all frames: each has its threads
        if not Fraction(1, _MOST_ASPECT) <= self._aspect <= _MOST_ASPECT:
            raise CoconetError(
                where,
                wanted=f"pixels at most {_MOST_ASPECT} times as wide as high, or as high as wide",
                got=f"a sample aspect ratio of {self._aspect}",
                remedy="Correct it in the file, for example with ffmpeg -bsf:v h264_metadata or setsar.",
                says=f"has a sample aspect ratio of {self._aspect}; at most {_MOST_ASPECT}:1 either way is taken",
            )

    @property
    def palette(self) -> str:
        """The palette that infrared frames were turned back from; empty while none was."""
        return self._infrared.used

    def pixels(self, frame: av.VideoFrame) -> RawPixels:
        """Give the pixels of a frame, upright. Raises CoconetError for high dynamic range and turns that are none."""
        if frame.interlaced_frame:
            warn_once(
                f"{self._where}: the video says that it is interlaced: the odd and the even rows of a frame are of two "
                "moments, and what moves has combs. Set the camera to progressive, or convert the file: "
                "ffmpeg -i IN -vf bwdif -c:v ffv1 OUT.mkv"
            )
        pixels = self._samples(frame) if self._gray else self._colours(frame)
        return self._turned(frame, self._square(pixels))

    def _colours(self, frame: av.VideoFrame) -> RawPixels:
        check_dynamic_range(int(frame.color_trc or 0), self._where)
        return self._converted(frame, "bgr24", INTERPOLATION)

    def _samples(self, frame: av.VideoFrame) -> RawPixels:
        """(H, W, 1) of an infrared frame."""
        name, bits = frame.format.name, max(part.bits for part in frame.format.components)
        if (kind := _FLOATS.match(name)) is not None:
            return _float_plane(frame, kind[1])
        if name.startswith("ya"):  # gray with alpha
            return _with_axis(self._converted(frame, "gray16le" if bits > 8 else "gray"))
        if name.startswith("gray") and bits > 8:
            return _with_axis(frame.to_ndarray())
        known = self._infrared.used not in ("", "luma")
        if self._infrared.wants_colour and (known or _has_colour(frame, self._converted)):
            return self._infrared(self._converted(frame, "bgr24", INTERPOLATION))
        if bits > 8:
            return _counts(frame, self._converted)
        return _with_axis(self._converted(frame, "gray", INTERPOLATION))

    def widen(self, width: int) -> int:
        """How many square pixels wide a frame of this stored width is made."""
        return max(1, round(width * self._aspect))

    def _square(self, pixels: RawPixels) -> RawPixels:
        """Widen stored pixels that are not square, or narrow them, as players do."""
        if self._aspect == 1:
            return pixels
        import cv2

        height, width = pixels.shape[:2]
        shown = self.widen(width), height
        return _with_axis(np.asarray(cv2.resize(pixels, shown, interpolation=cv2.INTER_LINEAR)))

    def _converted(self, frame: av.VideoFrame, layout: str, interpolation: int | None = None) -> RawPixels:
        """The samples of a frame in another layout of FFmpeg.

        BGR is made plane by plane, which is vectorised, and interleaved then: the same bytes in a third of the time.
        Large frames are interleaved by OpenCV, in a sixth of the time that FFmpeg takes.
        """
        if layout == "bgr24" and _has_chroma(frame):
            frame = self._parter.reformat(frame, format="gbrp", interpolation=interpolation)
            if frame.width * frame.height >= JOINED_FROM_PX and has_opencv():
                return _joined(frame)
        return self._scaler.reformat(frame, format=layout, interpolation=interpolation).to_ndarray()

    def _turned(self, frame: Any, pixels: RawPixels) -> RawPixels:
        if frame.rotation not in self._orientations:  # a frame that has been asked for its side data is part of a cycle
            self._orientations[frame.rotation] = self._orientation(frame)
        return upright(pixels, self._orientations[frame.rotation])

    def _orientation(self, frame: Any) -> int:
        """How a frame is turned, by its display matrix. Raises CoconetError for what is no quarter turn."""
        side = frame.side_data.get(Type.DISPLAYMATRIX)
        orientation = UPRIGHT if side is None else matrix_orientation(np.frombuffer(bytes(side), np.int32).tolist())
        if orientation is None:
            raise CoconetError(
                self._where,
                wanted="a display rotation of 0, 90, 180 or 270 degrees, mirrored or not",
                got=f"one of {frame.rotation} degrees",
                remedy="Turn the pictures themselves, for example with ffmpeg -vf rotate.",
                says=f"is turned by {frame.rotation} degrees; only 0, 90, 180 and 270 are taken, mirrored or not",
            )
        return orientation


def matrix_orientation(numbers: Sequence[int]) -> int | None:
    """The orientation of a display matrix, nine numbers in fixed point; None for one that is no quarter turn."""
    a, b, _, c, d = (float(number) for number in numbers[:5])
    size = max(abs(a), abs(b), abs(c), abs(d))
    if size == 0:
        return None
    unit = tuple(round(number / size) for number in (a, b, c, d))
    skewed = any(abs(number / size - whole) > 0.01 for number, whole in zip((a, b, c, d), unit, strict=True))
    return None if skewed else _MATRICES.get(unit)


_Converter = Callable[[av.VideoFrame, str], RawPixels]
"""Gives the samples of a frame in a layout of FFmpeg."""


def _has_colour(frame: av.VideoFrame, converted: _Converter) -> bool:
    """Whether the chroma of a frame says more than the noise of a codec on a gray picture."""
    layout = frame.format
    if layout.name.startswith("gray") or len(layout.components) < 3:
        return layout.name == "pal8" and is_coloured(converted(frame, "bgr24"))
    if (
        layout.is_rgb
        or layout.is_bit_stream
        or len(frame.planes) < 2
        or "p01" in layout.name
        or "p2" in layout.name[:2]
    ):
        return is_coloured(converted(frame, "bgr24"))
    bits = layout.components[1].bits
    middle, near = 1 << (bits - 1), _NEUTRAL << (bits - 8)
    planes = [_plane(frame, index, bits)[::_CHROMA_STEP, ::_CHROMA_STEP] for index in range(1, len(frame.planes))][:2]
    return any(bool((np.abs(plane.astype(np.int32) - middle) > near).mean() > _COLOUR_SHARE) for plane in planes)


def _joined(frame: av.VideoFrame) -> RawPixels:
    """A frame of 8 bit in planes, green, blue and red, as (H, W, 3) BGR."""
    import cv2

    green, blue, red = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        for plane in frame.planes
    )
    return np.asarray(cv2.merge([blue, green, red]))


def _has_chroma(frame: av.VideoFrame) -> bool:
    return len(frame.format.components) > 2 and not frame.format.is_rgb


def _counts(frame: av.VideoFrame, converted: _Converter) -> RawPixels:
    """The luma or, of equal B, G and R, the green of more than 8 bits as it is stored.

    What it is stretched by makes no difference to its range.
    """
    if frame.format.is_rgb and not frame.format.is_planar:
        return np.ascontiguousarray(converted(frame, "rgb48le")[:, :, 1:2])
    if frame.format.is_rgb or (frame.format.components[0].is_luma and len(frame.planes) > 1):  # green comes first
        return _with_axis(_plane(frame, 0, 16).copy())
    return _with_axis(converted(frame, "gray16le"))


def _plane(frame: Any, index: int, bits: int) -> RawPixels:
    """(rows, columns) of a plane, without the bytes that lines are padded with."""
    plane = frame.planes[index]
    kind = np.dtype(np.uint8 if bits <= 8 else ">u2" if frame.format.name.endswith("be") else "<u2")
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
    each = 2 if len(frame.planes) == 2 and index == 1 else 1  # of NV12 and its like, both chroma samples by turns
    samples: RawPixels = (
        rows[:, : plane.width * each * kind.itemsize].view(kind).astype(kind.newbyteorder("="), copy=False)
    )
    return samples


_FLOATS = re.compile(r"(?:gray|gbra?p)f(16|32)")
"""Layouts of floats; of three planes the first one is green."""


def _float_plane(frame: Any, bits: str) -> RawPixels:
    """(H, W, 1) float32 of the first plane as it is stored: FFmpeg would bring floats to 0..1."""
    plane, order = frame.planes[0], ">" if frame.format.name.endswith("be") else "<"
    kind = np.dtype(f"{order}f{int(bits) // 8}")
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
    return rows[:, : plane.width * kind.itemsize].view(kind).astype(np.float32)[:, :, None]


def _with_axis(pixels: RawPixels) -> RawPixels:
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
