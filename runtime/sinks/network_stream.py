"""The fused stream for whatever comes next: H.264 by UDP, RTSP or a pipe, or raw pixels by a pipe."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from coconet.errors import CoconetError, MissingPackage
from coconet.event_log import log_event
from coconet.media.video import SECOND_NS
from coconet.media.video_writer import H264, MPEG4, yuv_frame
from coconet.redaction import redact
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import PIPED, SENT

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="sending video") from error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


H264_PIPE, RAW_PIPE = "h264:-", "raw:-"

NETWORK = ("udp://", "rtsp://")

_TICKS_PER_S = 90_000  # the clock of MPEG transport streams and of RTP

_KEY_FRAMES = 30  # one of so many: whoever joins sees a picture within about a second

_PATIENCE_S = 5.0

_RETRY_S = 2.0

_LIVE = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}

_FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    "udp": ("mpegts", {"pkt_size": "1316"}),  # seven packets of 188 bytes fit an Ethernet frame
    "rtsp": ("rtsp", {"rtsp_transport": "tcp"}),
    "h264": ("mpegts", {}),
}


class StreamSink:
    """Encodes with little delay and sends; a receiver that goes away is tried again, and frames are dropped meanwhile.

    UDP and pipes carry an MPEG transport stream; to RTSP servers the stream is pushed. dropped: frames nobody got.
    """

    def __init__(self, address: str) -> None:
        """Prepare to send; the first frame decides the size, and opens the connection."""
        self._address, self.name = address, redact(address)
        self._scheme = address.partition(":")[0]
        self.delivery = PIPED if self._scheme == "h264" else SENT
        self.dropped = self._sent = 0
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._retry_s = self._origin_ns = 0.0
        self._last_tick = -1

    def write(self, frame: FusedFrame) -> None:
        """Send one frame. Raises CoconetError where nobody takes the first one, or a pipe has been closed."""
        if self._container is None and time.monotonic() < self._retry_s:
            self.dropped += 1
            return
        try:
            self._send(frame)
            self._sent += 1
        except (FFmpegError, OSError) as error:
            self._lost(error)

    def close(self) -> None:
        """Send what is still in the encoder."""
        if self._container is not None and self._stream is not None:
            with suppress(FFmpegError, OSError):
                self._container.mux(self._stream.encode(None))
        self.discard()

    def discard(self) -> None:
        """End the connection."""
        container, self._container = self._container, None
        if container is not None:
            with suppress(FFmpegError, OSError):
                container.close()

    def _send(self, frame: FusedFrame) -> None:
        picture = yuv_frame(frame.pixels)
        if self._container is None or self._stream is None:
            self._open(picture.width, picture.height, frame.pair.timestamp_ns)
        container, stream = cast("OutputContainer", self._container), cast("VideoStream", self._stream)
        tick = round((frame.pair.timestamp_ns - self._origin_ns) * _TICKS_PER_S / SECOND_NS)
        self._last_tick = max(tick, self._last_tick + 1)
        picture.pts, picture.time_base = self._last_tick, Fraction(1, _TICKS_PER_S)
        container.mux(stream.encode(picture))

    def _open(self, width: int, height: int, origin_ns: int) -> None:
        kind, options = _FORMATS[self._scheme]
        target: Any = sys.stdout.buffer if self._scheme == "h264" else self._address
        patience = (_PATIENCE_S, _PATIENCE_S)
        self._container = av.open(target, "w", format=kind, options=options, timeout=patience)
        encoder, settings = (
            (H264.name, _LIVE) if H264.name in av.codecs_available else (MPEG4.name, dict(MPEG4.options))
        )
        stream = cast("VideoStream", self._container.add_stream(encoder, rate=30, options=settings))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        stream.codec_context.gop_size = _KEY_FRAMES
        self._stream, self._origin_ns, self._last_tick = stream, origin_ns, -1

    def _lost(self, error: Exception) -> None:
        self.discard()
        got = getattr(error, "strerror", None) or type(error).__name__
        if not self._sent or self._scheme == "h264":
            raise CoconetError(
                self.name, wanted="somebody who takes the stream", got=got, remedy="Start the receiver first."
            ) from error
        self.dropped += 1
        self._retry_s = time.monotonic() + _RETRY_S
        log_event("output lost", level=logging.WARNING, output=self.name, trouble=got)


class RawSink:
    """Writes every picture as plain bytes: rows of BGR, or of gray from a gray visible camera."""

    name, delivery = RAW_PIPE, PIPED

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stdout.buffer

    def write(self, frame: FusedFrame) -> None:
        """Write one picture. Raises CoconetError where the reader has gone."""
        try:
            self._stream.write(frame.pixels.tobytes())
            self._stream.flush()
        except OSError as error:
            raise CoconetError(
                RAW_PIPE, wanted="a reader", got=error.strerror or "none", remedy="Keep the reader running."
            ) from error

    def close(self) -> None:
        """Nothing to do: whoever opened the pipe closes it."""

    def discard(self) -> None:
        """Nothing to do."""
