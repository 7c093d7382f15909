"""Video decoded: files with their real presentation times, and frames of any stream as upright pixels.

Counts stay counts, gray stays gray, pixels become square, and colours follow the stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file
from coconet.media.header import check_size
from coconet.media.palettes import InfraredGray, is_coloured
from coconet.media.pixels import RawPixels, upright

try:
    import av
    from av.error import FFmpegError
    from av.sidedata.sidedata import Type
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Numbers of FFmpeg's headers; without the two flags its scaler is up to 5 grey levels off and darkens on average.
_BICUBIC, _FULL_CHROMA, _ACCURATE_ROUNDING = 4, 0x2000, 0x40000

INTERPOLATION = _BICUBIC | _FULL_CHROMA | _ACCURATE_ROUNDING

_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}
"""Transfer curves (AVCOL_TRC) whose samples are no levels of an ordinary screen."""

_NEUTRAL = 12  # how far chroma lies from its middle in gray pictures that went through a lossy codec, of 8 bit

_COLOUR_SHARE = 0.02

_CHROMA_STEP = 4

_MOST_ASPECT = 8

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
        self._infrared = InfraredGray(palette, where)
        if not Fraction(1, _MOST_ASPECT) <= self._aspect <= _MOST_ASPECT:
            raise CoconetError(
                where,
                wanted=f"pixels at most {_MOST_ASPECT} times as wide as high, or as high as wide",
                got=f"a sample aspect ratio of {self._aspect}",
                remedy="Correct it in the file, for example with ffmpeg -bsf:v h264_metadata or setsar.",
            )

    @property
    def palette(self) -> str:
        """The palette that infrared frames were turned back from; empty while none was."""
        return self._infrared.used

    def pixels(self, frame: av.VideoFrame) -> RawPixels:
        """Give the pixels of a frame, upright. Raises CoconetError for high dynamic range and turns that are none."""
        pixels = self._samples(frame) if self._gray else self._colours(frame)
        return self._turned(frame, self._square(pixels))

    def _colours(self, frame: av.VideoFrame) -> RawPixels:
        if int(frame.color_trc or 0) in _HDR:
            raise CoconetError(
                self._where,
                wanted="visible video of standard dynamic range",
                got=f"high dynamic range, {_HDR[int(frame.color_trc)]}",
                remedy="Convert it to BT.709 first, for example by the filters zscale and tonemap of FFmpeg.",
            )
        return frame.to_ndarray(format="bgr24", interpolation=INTERPOLATION)

    def _samples(self, frame: av.VideoFrame) -> RawPixels:
        """(H, W, 1) of an infrared frame."""
        name, bits = frame.format.name, max(part.bits for part in frame.format.components)
        if name.startswith("ya"):  # gray with alpha
            return _with_axis(frame.to_ndarray(format="gray16le" if bits > 8 else "gray"))
        if name.startswith("gray") and bits > 8:
            return _with_axis(frame.to_ndarray())
        known = self._infrared.used not in ("", "luma")
        if self._infrared.wants_colour and (known or _has_colour(frame)):
            return self._infrared(frame.to_ndarray(format="bgr24", interpolation=INTERPOLATION))
        if bits > 8:
            if not frame.format.is_rgb:
                return _luma_counts(frame)
            red, green, _ = np.moveaxis(frame.to_ndarray(format="rgb48le"), 2, 0)
            return _with_axis(np.ascontiguousarray(green if np.array_equal(red, green) else red))
        return _with_axis(frame.to_ndarray(format="gray", interpolation=INTERPOLATION))

    def _square(self, pixels: RawPixels) -> RawPixels:
        """Widen stored pixels that are not square, or narrow them, as players do."""
        if self._aspect == 1:
            return pixels
        import cv2

        height, width = pixels.shape[:2]
        shown = max(1, round(width * self._aspect))
        return _with_axis(np.asarray(cv2.resize(pixels, (shown, height), interpolation=cv2.INTER_LINEAR)))

    def _turned(self, frame: Any, pixels: RawPixels) -> RawPixels:
        side = next((one for one in frame.side_data if one.type == Type.DISPLAYMATRIX), None)
        if side is None:
            return pixels
        orientation = matrix_orientation(np.frombuffer(bytes(side), np.int32).tolist())
        if orientation is None:
            raise CoconetError(
                self._where,
                wanted="a display rotation of 0, 90, 180 or 270 degrees, mirrored or not",
                got=f"one of {frame.rotation} degrees",
                remedy="Turn the pictures themselves, for example with ffmpeg -vf rotate.",
            )
        return upright(pixels, orientation)


def matrix_orientation(numbers: Sequence[int]) -> int | None:
    """The orientation of a display matrix, nine numbers in fixed point; None for one that is no quarter turn."""
    a, b, _, c, d = (float(number) for number in numbers[:5])
    size = max(abs(a), abs(b), abs(c), abs(d))
    if size == 0:
        return None
    unit = tuple(round(number / size) for number in (a, b, c, d))
    skewed = any(abs(number / size - whole) > 0.01 for number, whole in zip((a, b, c, d), unit, strict=True))
    return None if skewed else _MATRICES.get(unit)


def _has_colour(frame: av.VideoFrame) -> bool:
    """Whether the chroma of a frame says more than the noise of a codec on a gray picture."""
    layout = frame.format
    if layout.name.startswith("gray") or len(layout.components) < 3:
        return layout.name == "pal8" and is_coloured(frame.to_ndarray(format="bgr24"))
    if (
        layout.is_rgb
        or layout.is_bit_stream
        or len(frame.planes) < 2
        or "p01" in layout.name
        or "p2" in layout.name[:2]
    ):
        return is_coloured(frame.to_ndarray(format="bgr24"))
    bits = layout.components[1].bits
    middle, near = 1 << (bits - 1), _NEUTRAL << (bits - 8)
    planes = [_plane(frame, index, bits)[::_CHROMA_STEP, ::_CHROMA_STEP] for index in range(1, len(frame.planes))][:2]
    return any(bool((np.abs(plane.astype(np.int32) - middle) > near).mean() > _COLOUR_SHARE) for plane in planes)


def _luma_counts(frame: av.VideoFrame) -> RawPixels:
    """The luma of more than 8 bits as it is stored: what it is stretched by makes no difference to its range."""
    if frame.format.components[0].is_luma and len(frame.planes) > 1:
        return _with_axis(_plane(frame, 0, 16).copy())
    return _with_axis(frame.to_ndarray(format="gray16le"))


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


def _with_axis(pixels: RawPixels) -> RawPixels:
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


SECOND_NS = 10**9


@dataclass(frozen=True)
class VideoFrame:
    """A decoded picture, as FrameDecoder gives it, and its presentation time in the file.

    palette: the colours that an infrared picture was turned back from.
    """

    pixels: RawPixels
    timestamp_ns: int
    palette: str = ""


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream of an opened PyAV container; None if there is none, or none whose codec FFmpeg knows."""
    streams = container.streams.video
    return streams[0] if streams and streams[0].codec_context is not None else None


class VideoReader:
    """Decodes the first video stream of a file, in order of presentation.

    fps: the average rate, None where the file does not tell. frame_count: as the header states it, None if it does not.
    codec: its name in FFmpeg. width_px, height_px: as stored, before a turn and the shape of a pixel are taken into
    account.
    """

    def __init__(self, path: Path, *, gray: bool = False, palette: str = "auto") -> None:
        """Open `path`; gray, palette: as FrameDecoder takes them, for infrared video.

        Raises CoconetError for a missing file, a file that is no video, and one without a video stream.
        """
        self._path = existing_file(path, "a video file")
        try:
            self._container = av.open(str(path), metadata_errors="replace")
        except (FFmpegError, OSError) as error:
            raise _unreadable(path, str(error)) from error
        stream = video_stream(self._container)
        if stream is None:
            self._container.close()
            raise _unreadable(path, "a file without a video stream")
        self._stream = stream
        rate = self._stream.average_rate
        self.fps = float(rate) if rate else None
        self.frame_count = self._stream.frames or None
        self.codec = str(self._stream.codec_context.name)
        self.width_px, self.height_px = self._stream.width, self._stream.height
        try:
            check_size(path, self._stream.width, self._stream.height)
            aspect = self._stream.sample_aspect_ratio
            self._decoder = FrameDecoder(str(path), gray=gray, palette=palette, sample_aspect=aspect)
        except CoconetError:
            self._container.close()
            raise

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._container.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        """Decode from where the reader stands; a damaged file, or one that ends too early, is a CoconetError."""
        count, latest_ns = 0, 0  # of all frames: a clock may jump back within a file
        try:
            for frame in self._container.decode(self._stream):
                timestamp_ns = self._time_of(frame, count)
                latest_ns = max(latest_ns, timestamp_ns)
                yield VideoFrame(self._decoder.pixels(frame), timestamp_ns, self._decoder.palette)
                count += 1
        except FFmpegError as error:
            raise self._cut_off(count, f"bytes that do not decode ({error.strerror})") from error
        if self._ends_early(latest_ns):
            raise self._cut_off(count, f"the end of the file at {latest_ns / SECOND_NS:.2f} s")

    def _time_of(self, frame: av.VideoFrame, index: int) -> int:
        base = frame.time_base
        if frame.pts is None or base is None:  # raw streams have no times; all that is known is the rate
            return round(index * SECOND_NS / (self.fps or 25.0))
        return round(frame.pts * Fraction(base.numerator, base.denominator) * SECOND_NS)

    def _ends_early(self, last_ns: int) -> bool:
        """Whether the header promises more: many containers end without an error where their bytes end."""
        promised_s = self._promised_end_s()
        slack_s = max(0.25, 2 / self.fps if self.fps else 0.0)
        return promised_s is not None and last_ns / SECOND_NS + slack_s < promised_s

    def _promised_end_s(self) -> float | None:
        if self._container.format.name == "avi" and self.fps and self.frame_count:
            return self.frame_count / self.fps  # FFmpeg cuts an AVI's stated duration down to the bytes that are there
        base = self._stream.time_base
        if self._stream.duration is not None and base is not None:
            return float(((self._stream.start_time or 0) + self._stream.duration) * base)
        alone = len(self._container.streams) == 1  # otherwise the duration may be that of a longer sound track
        return self._container.duration / av.time_base if alone and self._container.duration is not None else None

    def _cut_off(self, count: int, got: str) -> CoconetError:
        of_all = f" of {self.frame_count}" if self.frame_count else ""
        return CoconetError(
            self._path,
            wanted="a whole video",
            got=f"{got} after frame {count}{of_all}",
            remedy="The file is cut off or damaged; copy or record it again.",
        )


def _unreadable(path: Path, got: str) -> CoconetError:
    return CoconetError(path, wanted="a video file", got=got, remedy="Check that the file is a whole video.")
