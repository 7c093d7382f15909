"""Video files, written with a time for every frame: playable while they grow, whole under their own name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import numpy as np

from coconet.errors import CoconetError, MissingPackage, Refused
from coconet.files import (
    check_replaceable,
    free_name,
    give_name,
    spare_bytes,
    unfinished,
    whole_file,
    writing_to,
)
from coconet.media.decoding.frame_pixels import INTERPOLATION
from coconet.media.pixels import Pixels
from coconet.media.video import SECOND_NS, video_stream
from coconet.writing.scratch import lock_unfinished

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG

_BT601 = 6  # AVCOL_SPC_SMPTE170M


@dataclass(frozen=True)
class Encoder:
    """An FFmpeg encoder and its options."""

    name: str
    options: tuple[tuple[str, str], ...]


# x264 holds back 25 frames by default, of which a kill would leave nothing; these hold back six at most.
H264 = Encoder(
    "libx264",
    (
        ("crf", "18"),
        ("preset", "veryfast"),
        ("threads", "4"),
        ("x264-params", "rc-lookahead=2:bframes=1:sliced-threads=1"),
    ),
)

MPEG4 = Encoder("mpeg4", (("flags", "+qscale"), ("global_quality", str(3 * 118))))
"""What every FFmpeg has; quality 3 of 31 (118 is FFmpeg's FF_QP2LAMBDA)."""


@dataclass(frozen=True)
class _Container:
    """A kind of file. growing: options while it is written, of a fragment every quarter of a second; whole: at the end.

    A kind without `whole` is whole as it was written, once it has been closed.
    """

    muxer: str
    growing: tuple[tuple[str, str], ...]
    whole: tuple[tuple[str, str], ...] = ()


_FRAGMENTS = (("movflags", "+delay_moov+default_base_moof"), ("frag_duration", "250000"), ("flush_packets", "1"))

_FAST_START = (("movflags", "+faststart"),)  # the index goes to the front, so that a browser plays while it loads

_CLUSTERS = (("cluster_time_limit", "250"), ("flush_packets", "1"))

_CONTAINERS = {
    ".mp4": _Container("mp4", _FRAGMENTS, _FAST_START),
    ".mov": _Container("mov", _FRAGMENTS, _FAST_START),
    ".mkv": _Container("matroska", _CLUSTERS),
}

WRITABLE_SUFFIXES = tuple(_CONTAINERS)
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
    """Writes a video as NAME.unfinished and gives it its name at `close`; H.264 where FFmpeg has it, else MPEG-4.

    The unfinished file plays up to the last half second, however the program ends; it is then taken up by the next
    writer of that name (recover_video). As a context manager it closes at the end of the block, and after an error
    leaves what it has written.
    """

    def __init__(self, path: Path, encoder: Encoder | None = None) -> None:
        """Prepare to write `path`; the first frame decides the size.

        Raises CoconetError where it cannot be written, and while another process writes it.
        """
        kind = _CONTAINERS.get(path.suffix.lower())
        if kind is None:
            raise Refused(
                path,
                wanted=f"a name that ends in {', '.join(WRITABLE_SUFFIXES)}",
                got=path.suffix or "no ending",
                remedy="Change the ending.",
            )
        self._path, self._kind = path, kind
        self._encoder = encoder or (H264 if H264.name in av.codecs_available else MPEG4)
        self._encoding: _Encoding | None = None
        with writing_to(path):
            check_replaceable(path)
            self._target = Path(os.path.realpath(path))
            self._scratch = unfinished(self._target)
            recover_video(self._target)
            self._scratch.touch(mode=0o644, exist_ok=False)
            self._lock = lock_unfinished(self._scratch)

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
        if self._lock is None:
            return
        if self._encoding is None:
            self.abandon()
            raise self._refused("at least one frame", "none")
        try:
            self._encoding.container.mux(self._encoding.stream.encode(None))
            self._encoding.container.close()
            _finish(self._scratch, self._target, self._kind)
        finally:
            self._release()

    def abandon(self) -> None:
        """Leave what was written under its unfinished name, and nothing if that is no frame."""
        if self._lock is None:
            return
        if self._encoding is None:
            self._scratch.unlink(missing_ok=True)
        else:
            with suppress(FFmpegError, OSError):
                self._encoding.container.mux(self._encoding.stream.encode(None))
            with suppress(FFmpegError, OSError):
                self._encoding.container.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._encoding = None  # an encoder has threads and memory as long as it is referred to

    def _start(self, pixels: Pixels, timestamp_ns: int) -> _Encoding:
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise self._refused("frames of shape (H, W, 3) or (H, W, 1)", str(pixels.shape))
        container = av.open(str(self._scratch), "w", format=self._kind.muxer, options=dict(self._kind.growing))
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


def recover_video(path: Path, name: Path | None = None) -> Path | None:
    """Make a whole video of what a run that was killed has left of `path`; give its name, None if there is nothing.

    name: what it is to be called; name-recovered.mp4 and so on if it is not given. What cannot be read is kept, as
    name-damaged.mp4.unfinished. Raises CoconetError while another process writes it.
    """
    scratch = unfinished(path)
    if not scratch.is_file():
        return None
    with writing_to(scratch):
        lock = lock_unfinished(scratch)
    if lock is None:
        raise CoconetError(
            path,
            wanted="an output that nothing else writes",
            got="one that another run is writing",
            remedy="Choose another name, or stop that run.",
        )
    try:
        return _recovered(scratch, name or free_name(path, "recovered"))
    except _NoVideo:
        if scratch.stat().st_size == 0:
            scratch.unlink()
        else:
            scratch.rename(unfinished(free_name(path, "damaged")))
        return None
    finally:
        os.close(lock)


def _recovered(scratch: Path, goal: Path) -> Path:
    with whole_file(goal) as whole:
        _copy(scratch, whole, _CONTAINERS[goal.suffix.lower()])
    scratch.unlink()
    return goal


def _finish(scratch: Path, target: Path, kind: _Container) -> None:
    """Give a closed file its name: with an index in front, or, where there is no room for a copy, as it is."""
    if kind.whole and scratch.stat().st_size < spare_bytes(target.parent):
        with suppress(CoconetError):
            _recovered(scratch, target)
            return
    with writing_to(target):
        give_name(scratch, target)


class _NoVideo(Exception):
    """A file without a frame that can be read."""


def _copy(source: Path, target: Path, kind: _Container) -> None:
    """Copy the packets of a video, undecoded, into an ordinary file; a source that is cut off is copied up to there."""
    try:
        container = av.open(str(source), metadata_errors="replace")
    except FFmpegError as error:
        raise _NoVideo from error
    with container:
        packets = _packets(container)
        first = next(packets, None)
        if first is None:
            raise _NoVideo
        with av.open(str(target), "w", format=kind.muxer, options=dict(kind.whole)) as output:
            stream = output.add_stream_from_template(container.streams.video[0])
            for packet in chain([first], packets):
                packet.stream = stream
                output.mux(packet)


def _packets(container: InputContainer) -> Iterator[Packet[VideoStream]]:
    if video_stream(container) is None:
        return
    with suppress(FFmpegError):
        for packet in container.demux(container.streams.video[0]):
            if packet.size:  # the last one, which empties the demuxer, has none
                yield packet


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
