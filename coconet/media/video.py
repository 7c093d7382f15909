"""Video files, read with their real presentation times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file
from coconet.media.decoding import FrameDecoder
from coconet.media.header import check_size
from coconet.media.pixels import RawPixels

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

SECOND_NS = 10**9


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
