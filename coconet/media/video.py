"""Video files: read with their real presentation times, written whole with a time for every frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, whole_file
from coconet.media.decoding import INTERPOLATION, FrameDecoder
from coconet.media.header import check_size
from coconet.media.pixels import Pixels, RawPixels

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="reading and writing videos") from error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


SECOND_NS = 10**9

_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG

_BT601 = 6  # AVCOL_SPC_SMPTE170M


@dataclass(frozen=True)
class VideoFrame:
    """A decoded picture, as FrameDecoder gives it, and its presentation time in the file.

    palette: the colours that an infrared picture was turned back from.
    """

    pixels: RawPixels
    timestamp_ns: int
    palette: str = ""


class VideoReader:
    """Decodes the first video stream of a file, in order of presentation.

    fps: the average rate, None where the file does not tell. frame_count: as the header states it, None if it does not.
    width_px, height_px: as stored, before a turn and the shape of a pixel are taken into account.
    """

    def __init__(self, path: Path, *, gray: bool = False, palette: str = "auto") -> None:
        """Open `path`; gray, palette: as FrameDecoder takes them, for infrared video.

        Raises CoconetError for a missing file, a file that is no video, and one without a video stream.
        """
        self._path = existing_file(path, "a video file")
        try:
            self._container = av.open(str(path))
        except (FFmpegError, OSError) as error:
            raise _unreadable(path, str(error)) from error
        if not self._container.streams.video:
            self._container.close()
            raise _unreadable(path, "a file without a video stream")
        self._stream = self._container.streams.video[0]
        rate = self._stream.average_rate
        self.fps = float(rate) if rate else None
        self.frame_count = self._stream.frames or None
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
        count, timestamp_ns = 0, 0
        try:
            for frame in self._container.decode(self._stream):
                timestamp_ns = self._time_of(frame, count)
                yield VideoFrame(self._decoder.pixels(frame), timestamp_ns, self._decoder.palette)
                count += 1
        except FFmpegError as error:
            raise self._cut_off(count, f"bytes that do not decode ({error.strerror})") from error
        if self._ends_early(timestamp_ns):
            raise self._cut_off(count, f"the end of the file at {timestamp_ns / SECOND_NS:.2f} s")

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


@dataclass(frozen=True)
class Encoder:
    """An FFmpeg encoder and its options."""

    name: str
    options: tuple[tuple[str, str], ...]


H264 = Encoder("libx264", (("crf", "18"), ("preset", "veryfast")))

MPEG4 = Encoder("mpeg4", (("flags", "+qscale"), ("global_quality", str(3 * 118))))
"""What every FFmpeg has; quality 3 of 31 (118 is FFmpeg's FF_QP2LAMBDA)."""

_FAST_START = {"movflags": "+faststart"}  # the index goes to the front, so that a browser plays while it loads

_MUXER_OPTIONS: dict[str, dict[str, str]] = {".mp4": _FAST_START, ".mov": _FAST_START, ".mkv": {}}

WRITABLE_SUFFIXES = tuple(_MUXER_OPTIONS)
"""Containers that keep a time for every frame; AVI, for one, knows a single fixed rate."""

_TICKS_PER_S = 60_000
"""Whole ticks for 24, 25, 30, 50 and 60 fps and their NTSC forms; MPEG-4 allows no clock above 65535."""


@dataclass
class _Encoding:
    container: OutputContainer
    stream: VideoStream
    shape: tuple[int, ...]
    origin_ns: int
    last_tick: int = -1


class VideoWriter:
    """Writes a video under a scratch name and gives it its own at `close`; H.264 where FFmpeg has it, else MPEG-4.

    As a context manager it closes at the end of the block and discards the file after an error.
    """

    def __init__(self, path: Path, encoder: Encoder | None = None) -> None:
        """Prepare to write `path`; the first frame decides the size. Raises CoconetError where it cannot be written."""
        if path.suffix.lower() not in WRITABLE_SUFFIXES:
            raise CoconetError(
                path,
                wanted=f"a name that ends in {', '.join(WRITABLE_SUFFIXES)}",
                got=path.suffix or "no ending",
                remedy="Change the ending.",
            )
        self._path = path
        self._encoder = encoder or (H264 if H264.name in av.codecs_available else MPEG4)
        self._encoding: _Encoding | None = None
        self._whole = whole_file(path)
        self._scratch = self._whole.__enter__()
        self._open = True

    @property
    def size_bytes(self) -> int:
        """How much of the file is on the disk already; 0 once it is closed."""
        return self._scratch.stat().st_size if self._open else 0

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()

    def write(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Append (H, W, 3) BGR or (H, W, 1) gray pixels, uint8; the first frame's time becomes 0, times must increase.

        4:2:0 video has even sides only: an odd side is made even by repeating its last row or column.
        """
        encoding = self._encoding or self._start(pixels, timestamp_ns)
        tick = round((timestamp_ns - encoding.origin_ns) * _TICKS_PER_S / SECOND_NS)
        if pixels.shape != encoding.shape or pixels.dtype != np.uint8:
            raise self._refused(f"uint8 frames of shape {encoding.shape}", f"{pixels.dtype} {pixels.shape}")
        if tick <= encoding.last_tick:
            raise self._refused("times that increase from frame to frame", f"{timestamp_ns} ns after a later frame")
        frame = yuv_frame(pixels)
        frame.pts, frame.time_base = tick, Fraction(1, _TICKS_PER_S)
        encoding.container.mux(encoding.stream.encode(frame))
        encoding.last_tick = tick

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing. No frame at all is a CoconetError."""
        if not self._open:
            return
        if self._encoding is None:
            self.discard()
            raise self._refused("at least one frame", "none")
        try:
            self._encoding.container.mux(self._encoding.stream.encode(None))
            self._encoding.container.close()
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._whole.__exit__(None, None, None)

    def discard(self) -> None:
        """Drop what was written; the file at the final name, if there was one, stays as it was."""
        if not self._open:
            return
        self._open = False
        if self._encoding is not None:
            with suppress(FFmpegError):
                self._encoding.container.close()
        reason = RuntimeError("discarded")
        self._whole.__exit__(RuntimeError, reason, None)

    def _start(self, pixels: Pixels, timestamp_ns: int) -> _Encoding:
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise self._refused("frames of shape (H, W, 3) or (H, W, 1)", str(pixels.shape))
        container = av.open(str(self._scratch), "w", options=_MUXER_OPTIONS[self._path.suffix.lower()])
        added = container.add_stream(self._encoder.name, rate=30, options=dict(self._encoder.options))
        stream = cast("VideoStream", added)
        stream.height, stream.width = (side + side % 2 for side in pixels.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        # Said in the file, because players otherwise guess the matrix from the picture's size.
        stream.codec_context.color_range, stream.codec_context.colorspace = _LIMITED_RANGE, _BT601
        self._encoding = _Encoding(container, stream, pixels.shape, timestamp_ns)
        return self._encoding

    def _refused(self, wanted: str, got: str) -> CoconetError:
        return CoconetError(self._path, wanted=wanted, got=got, remedy="Write frames of one camera, in order of time.")


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
