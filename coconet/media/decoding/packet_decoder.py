"""What turns packets into frames: the contract, and FFmpeg with a device that decodes for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.decoding.decoder import HardwareDecoder

try:
    import av
    import av.logging
    from av.codec.hwaccel import HWAccel
    from av.error import EOFError as NoMoreFrames
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream


class DecodingFailed(Exception):
    """A hardware decoder cannot be opened, or gives nothing any more; says why."""


class PacketDecoder(Protocol):
    """Frames come out in the order in which they are shown, each with the pts of its packet."""

    def decode(self, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
        """The frames that come out when a packet goes in; an empty one asks for what is left.

        Raises DecodingFailed.
        """

    def close(self) -> None:
        """Let go of the device; a second call does nothing."""


def rows_of(plane: Any) -> np.ndarray:
    """(rows, bytes of a line, padding included) uint8 of a plane, which it shares."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]


class FFmpegDecoder:
    """One of FFmpeg's decoders, beside the one of the container."""

    def __init__(self, candidate: HardwareDecoder, like: VideoCodecContext) -> None:
        """like: the container's decoder, which knows what decoding begins with. Raises DecodingFailed."""
        name = f"{like.codec.name}{candidate.suffix}"
        if name not in av.codecs_available:
            raise DecodingFailed(f"this FFmpeg has no {name}")
        accel = HWAccel(candidate.device, allow_software_fallback=False) if candidate.device else None
        self._heard: list[tuple[int, str, str]] = []
        context: Any = self._tried(lambda: av.CodecContext.create(name, "r", hwaccel=accel))
        if accel is not None and not context.is_hwaccel:
            raise DecodingFailed(f"this FFmpeg decodes no {name} by {candidate.device}")
        context.extradata, context.width, context.height = like.extradata, like.width, like.height
        context.thread_count, context.flags = 1, like.flags
        self._tried(lambda: context.open(strict=False))
        self._context: Any = context

    def decode(self, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
        """The frames that come out when a packet goes in. Raises DecodingFailed."""
        try:
            return list(self._tried(lambda: self._context.decode(packet)))
        except NoMoreFrames:
            return []

    def close(self) -> None:
        """Let go of the device."""
        self._context = None

    def _tried(self, step: Any) -> Any:
        """Take a step; why it fails stands in what FFmpeg says on the way, more than in the error."""
        with av.logging.Capture() as heard:
            try:
                return step()
            except NoMoreFrames:
                raise
            except (FFmpegError, OSError, ValueError, RuntimeError) as error:
                told = [text.strip().rstrip(".") for level, _, text in heard if level <= av.logging.ERROR]
                words = next(iter(told), "") or getattr(error, "strerror", None) or str(error)
                raise DecodingFailed(words) from error
