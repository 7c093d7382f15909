"""Lossless video: 8 and 16 bit pictures as FFV1 in Matroska, written so that a crash costs less than a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage, system_reason
from coconet.files import existing_file
from coconet.media.decoding.whole_frames import WholeFrames
from coconet.media.video import open_container, video_stream
from coconet.writing.sources import later_part, later_parts

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="recording and replaying video") from error


RawPixels = NDArray[Any]

_MUXER = {"cluster_time_limit": "300", "flush_packets": "1"}  # a cluster is on the disk within 0.3 s

_CODER = {"level": "3", "slices": "4", "slicecrc": "1"}  # slices are coded in parallel; a damaged one is noticed

_TICKS_PER_S = 1_000_000


@dataclass(frozen=True)
class _Layout:
    """How pixels lie in the array that FFmpeg takes, and how FFV1 stores them without loss."""

    array: str
    stored: str


_LAYOUTS = {
    ("uint8", 1): _Layout("gray", "gray"),
    ("uint16", 1): _Layout("gray16le", "gray16le"),
    ("uint8", 3): _Layout("bgr24", "bgr0"),
    ("float32", 1): _Layout("gray16le", "gray16le"),
}

_SAMPLES = "COCONET_SAMPLES"
"""The stream's tag that says `float32` where the halves of such samples lie side by side as 16 bit pictures."""


class RawVideoWriter:
    """Writes pictures without loss; what was written stays readable when the program dies.

    A file holds pictures of one shape and type. Others go on in a file of their own, beside it (later_part).
    """

    def __init__(self, path: Path) -> None:
        """Prepare to write `path`, which ends in .mkv; the first picture decides the shape."""
        self._path, self._parts = path, 0
        self._container: Any = None
        self._stream: Any = None
        self._shape: tuple[int, ...] = ()
        self._kind: Any = None
        self._layout = _LAYOUTS["uint8", 1]

    def write(self, pixels: RawPixels, time_ns: int) -> None:
        """Append (H, W, 1) uint8, uint16 or float32, or (H, W, 3) uint8 BGR pixels at a time not before the last.

        Raises CoconetError for pixels of another type, and of a size that FFV1 does not take, such as 1x1; OSError
        if the disk takes no more.
        """
        if self._container is None or (pixels.shape, pixels.dtype) != (self._shape, self._kind):
            self._start(pixels)
        plane = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
        if plane.dtype == np.float32:
            plane = _halves(plane)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), format=self._layout.array)
        if self._layout.stored != self._layout.array:
            frame = frame.reformat(format=self._layout.stored)
        frame.pts, frame.time_base = time_ns * _TICKS_PER_S // 10**9, Fraction(1, _TICKS_PER_S)
        try:
            packets = self._stream.encode(frame)
        except FFmpegError as error:
            if isinstance(error, OSError):
                raise
            height, width = pixels.shape[:2]
            raise CoconetError(
                self._path,
                wanted="pictures of a size that FFV1 takes",
                got=f"{width}x{height}",
                remedy="Record larger pictures.",
                says=f"cannot hold pictures of {width}x{height}: FFV1 does not take that size",
            ) from error
        self._container.mux(packets)

    def close(self) -> None:
        """Finish the file; a second call does nothing. Raises OSError if the disk takes no more."""
        container, stream, self._container, self._stream = self._container, self._stream, None, None
        if container is None:
            return
        try:
            container.mux(stream.encode(None))
        finally:
            container.close()

    def abandon(self) -> None:
        """Let go of a file that takes no more; what is in it stays."""
        with suppress(OSError, FFmpegError):
            self.close()

    def _start(self, pixels: RawPixels) -> None:
        key = (str(pixels.dtype), pixels.shape[2])
        if key not in _LAYOUTS:
            wanted, got = "8 bit gray or BGR, 16 bit or float gray pictures", f"{key[0]} {pixels.shape}"
            raise _refused(self._path, wanted, got, f"takes {wanted}, not {got}")
        self.close()
        self._layout, self._shape, self._kind = _LAYOUTS[key], pixels.shape, pixels.dtype
        self._parts += 1
        path = self._path if self._parts == 1 else later_part(self._path, self._parts)
        self._container = av.open(str(path), "w", options=_MUXER)
        self._stream = self._container.add_stream("ffv1", rate=30, options=_CODER)
        self._stream.height, self._stream.width = pixels.shape[:2]
        if pixels.dtype == np.float32:
            self._stream.width *= 2
            self._stream.metadata[_SAMPLES] = "float32"
        self._stream.pix_fmt = self._layout.stored
        self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)


class RawVideoReader:
    """Gives the pictures of a lossless video, bit for bit, up to the end or to where the file is cut off."""

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises CoconetError for a missing file and for one that is no FFV1 video."""
        self._path = existing_file(path, "a lossless video")
        try:
            self._container = open_container(str(path))
        except (FFmpegError, OSError) as error:
            got = system_reason(error, "bytes that are no video")
            raise _refused(
                path, "a lossless video", got, "is not a video, or is damaged; expected a lossless one"
            ) from error
        video = video_stream(self._container)
        stored = {layout.stored: layout.array for layout in _LAYOUTS.values()}
        if video is None or video.codec_context.name != "ffv1" or video.pix_fmt not in stored:
            self._container.close()
            wanted = "an FFV1 video of gray, gray16 or BGR pictures"
            raise _refused(path, wanted, "another one", f"is not {wanted}")
        self._stream, self._array = video, stored[str(video.pix_fmt)]
        self._float = video.metadata.get(_SAMPLES) == "float32"

    def __iter__(self) -> Iterator[RawPixels]:
        """Decode one picture after the other that is whole, up to the end or to where the file is cut off."""
        return (pixels for pixels, _ in self.timed() if pixels is not None)

    def timed(self) -> Iterator[tuple[RawPixels | None, int]]:
        """Give all pictures, None for a damaged one, each with its time in the video in ns, right to a millisecond."""
        yield from self._of_this_part()
        for path in later_parts(self._path, Path.is_file):
            part = RawVideoReader(path)
            try:
                yield from part._of_this_part()
            finally:
                part.close()

    def _of_this_part(self) -> Iterator[tuple[RawPixels | None, int]]:
        with suppress(FFmpegError):
            for outcome in WholeFrames(self._container, self._stream, str(self._path)):
                whole = outcome.frame if outcome.damage is None else None
                yield None if whole is None else self._pixels(whole), outcome.time_ns or 0

    def _pixels(self, frame: av.VideoFrame) -> RawPixels:
        pixels = cast("RawPixels", frame.to_ndarray(format=self._array))
        if self._float:
            pixels = _joined(pixels)
        return pixels if pixels.ndim == 3 else pixels[:, :, None]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._container.close()


def _halves(plane: RawPixels) -> RawPixels:
    """(H, W) float32 to (H, 2 W) uint16: the low halves of all samples, then the high ones, which are alike."""
    halves = np.ascontiguousarray(plane.astype("<f4")).view("<u2").reshape(*plane.shape, 2)
    return np.concatenate([halves[:, :, 0], halves[:, :, 1]], axis=1).astype(np.uint16)


def _joined(pixels: RawPixels) -> RawPixels:
    """Undo _halves."""
    width = pixels.shape[1] // 2
    halves = np.stack([pixels[:, :width], pixels[:, width:]], axis=2).astype("<u2")
    return np.ascontiguousarray(halves).view("<f4")[:, :, 0].astype(np.float32)


def _refused(path: Path, wanted: str, got: str, says: str) -> CoconetError:
    return CoconetError(path, wanted=wanted, got=got, remedy="Record one camera at a time, in one mode.", says=says)
