"""Video files, written with a time for every frame: playable while they grow, whole under their own name."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from coconet.errors import CoconetError, MissingPackage, Refused
from coconet.files import check_replaceable, holds_something, unfinished, writing_to
from coconet.media.decoding.frame_times import SECOND_NS
from coconet.media.encoding.encoded_video import EncodedVideo, EncodingFailed
from coconet.media.encoding.encoder_choice import EncoderChoice, software_only
from coconet.media.encoding.whole_video import CONTAINERS, WRITABLE_SUFFIXES, finish_video, recover_video
from coconet.media.encoding.yuv_frame import yuv_frame
from coconet.media.pixels import Pixels
from coconet.writing.sole_writer import hold_made

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error

if TYPE_CHECKING:
    from av.container import OutputContainer


_TICKS_PER_S = 60_000
"""Whole ticks for 24, 25, 30, 50 and 60 fps and their NTSC forms; MPEG-4 allows no clock above 65535."""


@dataclass
class _Encoding:
    container: OutputContainer
    video: EncodedVideo
    shape: tuple[int, ...]
    origin_ns: int
    last_tick: int = -1


@dataclass(frozen=True)
class TimedFrame:
    """A picture as yuv_frame makes it, the shape of what it was made of, and its time."""

    yuv: av.VideoFrame
    shape: tuple[int, ...]
    timestamp_ns: int


class EncoderLost(Exception):
    """A hardware encoder failed on the way. frames: those that are not in the file; the file ends before them, whole.

    begun: whether there is anything in the file at all.
    """

    def __init__(self, failure: EncodingFailed, frames: list[TimedFrame], *, begun: bool) -> None:
        super().__init__(str(failure))
        self.encoder, self.reason, self.frames, self.begun = failure.encoder, failure.reason, frames, begun


class VideoWriter:
    """Writes a video as NAME.unfinished and gives it its name at `close`; H.264 where FFmpeg has it, else MPEG-4.

    The unfinished file plays up to the last half second, however the program ends; it is then taken up by the next
    writer of that name (recover_video). As a context manager it closes at the end of the block, and after an error
    leaves what it has written.
    """

    def __init__(self, path: Path, encoders: EncoderChoice | None = None) -> None:
        """Prepare to write `path`; the first frame decides the size.

        encoders: what to choose from; no hardware if None.

        Raises CoconetError if it cannot be written, and while another process writes it.
        """
        kind = CONTAINERS.get(path.suffix.lower())
        if kind is None:
            raise Refused(
                path,
                wanted=f"a name that ends in {', '.join(WRITABLE_SUFFIXES)}",
                got=path.suffix or "no ending",
                remedy=f"Change the ending, or name a folder of pictures with a slash at its end: {path}/",
                says=f"has {f'the ending {path.suffix}' if path.suffix else 'no ending'}; a video ends in "
                f"{', '.join(WRITABLE_SUFFIXES)}",
            )
        self._path, self._kind = path, kind
        self._encoders = encoders or software_only()
        self._encoding: _Encoding | None = None
        with writing_to(path):
            check_replaceable(path)
            self._target = Path(os.path.realpath(path))
            self._scratch = unfinished(self._target)
            recover_video(self._target)
            self._scratch.touch(mode=0o644, exist_ok=False)
            self._lock: int | None = hold_made(self._scratch, path)

    @property
    def size_bytes(self) -> int:
        """How much of the file is on the disk already; 0 once it is closed."""
        return 0 if self._lock is None else os.fstat(self._lock).st_size

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of its frames; None before the first."""
        return None if self._encoding is None else self._encoding.shape

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def write(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Append (H, W, 3) BGR or (H, W, 1) gray pixels, uint8; the first frame's time becomes 0, times must increase.

        4:2:0 video has even sides only: an odd side is made even by repeating its last row or column.
        Raises EncoderLost if a hardware encoder fails, CoconetError for a size that the encoder does not take.
        """
        if self._encoding is not None and (pixels.shape != self._encoding.shape or pixels.dtype != np.uint8):
            wanted, got = f"uint8 frames of shape {self._encoding.shape}", f"{pixels.dtype} {pixels.shape}"
            raise self._refused(wanted, got, f"holds {wanted}, and cannot take one of {got}")
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            wanted, got = "frames of shape (H, W, 3) or (H, W, 1)", str(pixels.shape)
            raise self._refused(wanted, got, f"takes {wanted}, not {got}")
        self.take(TimedFrame(yuv_frame(pixels), pixels.shape, timestamp_ns))

    def take(self, frame: TimedFrame) -> None:
        """Append a picture that another writer's encoder did not give back. Raises EncoderLost as `write` does."""
        encoding = self._encoding or self._start(frame)
        tick = round((frame.timestamp_ns - encoding.origin_ns) * _TICKS_PER_S / SECOND_NS)
        if tick <= encoding.last_tick:
            got = f"{frame.timestamp_ns} ns after a later frame"
            raise self._refused("times that increase from frame to frame", got, f"was given a frame of {got}")
        frame.yuv.pts, frame.yuv.time_base = tick, Fraction(1, _TICKS_PER_S)
        encoding.last_tick = tick
        try:
            encoding.video.write(frame.yuv)
        except EncodingFailed as failure:
            raise self._lost(failure, encoding) from failure
        except FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise self._untaken(encoding) from error

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing. No frame at all is a CoconetError.

        Raises EncoderLost if a hardware encoder does not give back what it holds; a second call then finishes the
        file without it.
        """
        if self._lock is None:
            return
        if self._encoding is None:
            self.abandon()
            raise self._refused("at least one frame", "none", "was given no frame, so there is no video")
        try:
            self._encoding.video.flush()
        except EncodingFailed as failure:
            raise self._lost(failure, self._encoding) from failure
        except BaseException:
            self._release()
            raise
        try:
            self._encoding.container.close()
            finish_video(self._scratch, self._target, self._kind)
        finally:
            self._release()

    def abandon(self) -> None:
        """Leave what was written under its unfinished name, and nothing if that is no frame, as on a full disk."""
        if self._lock is None:
            return
        if self._encoding is not None:
            with suppress(FFmpegError, OSError, EncodingFailed):
                self._encoding.video.flush()
            with suppress(FFmpegError, OSError):
                self._encoding.container.close()
        begun = self._encoding is not None and self._encoding.video.begun
        if not begun or not holds_something(self._scratch):
            self._scratch.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._encoding = None  # an encoder has threads and memory as long as it is referred to

    def _start(self, frame: TimedFrame) -> _Encoding:
        size_px = (frame.yuv.width, frame.yuv.height)
        encoder = self._encoders.encoder_for("file", size_px)
        container = av.open(str(self._scratch), "w", format=self._kind.muxer, options=dict(self._kind.growing))
        video = EncodedVideo(container, encoder, size_px, _TICKS_PER_S)
        video.say_colours()
        self._encoding = _Encoding(container, video, frame.shape, frame.timestamp_ns)
        return self._encoding

    def _lost(self, failure: EncodingFailed, encoding: _Encoding) -> EncoderLost:
        frames = [
            TimedFrame(held, encoding.shape, encoding.origin_ns + round((held.pts or 0) * SECOND_NS / _TICKS_PER_S))
            for held in failure.held
        ]
        return EncoderLost(failure, frames, begun=encoding.video.begun)

    def _untaken(self, encoding: _Encoding) -> CoconetError:
        height, width = encoding.shape[:2]
        return CoconetError(
            self._path,
            wanted=f"pictures of a size that {encoding.video.encoder.name} takes",
            got=f"{width}x{height}",
            remedy="Name a folder, such as fused/, for pictures of any size.",
            says=f"cannot hold pictures of {width}x{height}: {encoding.video.encoder.name} does not take that size",
        )

    def _refused(self, wanted: str, got: str, says: str) -> CoconetError:
        return CoconetError(
            self._path, wanted=wanted, got=got, remedy="Write frames of one camera, in order of time.", says=says
        )
