"""The fused stream for whatever comes next: H.264 by UDP, RTSP or a pipe, or raw pixels by a pipe."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from coconet.errors import CoconetError, MissingPackage
from coconet.event_log import log_event, warn_once
from coconet.media.video import SECOND_NS
from coconet.media.video_writer import H264, MPEG4, yuv_frame
from coconet.redaction import redact
from coconet.runtime.frame import FusedFrame
from coconet.runtime.preprocess.fit import fitted
from coconet.runtime.sinks.sink import PIPED, SENT

try:
    import av
    from av.error import FFmpegError, HTTPUnauthorizedError
    from av.video.frame import PictureType
except ImportError as error:
    raise MissingPackage("av", job="sending video") from error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


H264_PIPE, RAW_PIPE = "h264:-", "raw:-"

NETWORK = ("udp://", "rtsp://")

_TICKS_PER_S = 90_000  # the clock of MPEG transport streams and of RTP

_KEY_NS = SECOND_NS  # a key frame this often, whatever the rate: a receiver that joins sees a picture within it

_MOST_BETWEEN_KEYS = 600  # frames; the encoder's own limit, which no rate up to 600 reaches before the clock does

_PATIENCE_S = 5.0

_RETRY_S = 2.0

_HEADERS = {"forced-idr": "1", "x264-params": "repeat-headers=1:scenecut=0"}
"""With every key frame comes what decoding begins with."""

_LIVE = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", **_HEADERS}

_FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    "udp": ("mpegts", {"pkt_size": "1316"}),  # seven packets of 188 bytes fit an Ethernet frame
    "rtsp": ("rtsp", {"rtsp_transport": "tcp"}),
    "h264": ("mpegts", {}),
}


class StreamSink:
    """Encodes with little delay and sends; while a receiver is not there it is tried again, and frames are dropped.

    UDP and pipes carry an MPEG transport stream; to RTSP servers the stream is pushed. A picture of another size begins
    the stream again. dropped: frames nobody got.
    """

    def __init__(self, address: str) -> None:
        """Prepare to send; the first frame decides the size, and opens the connection."""
        self._address, self.name = address, redact(address)
        self._scheme = address.partition(":")[0]
        self.delivery = PIPED if self._scheme == "h264" else SENT
        self.dropped = self._sent = 0
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._retry_s, self._origin_ns, self._key_ns = 0.0, 0, 0
        self._last_tick = -1

    def write(self, frame: FusedFrame) -> None:
        """Send one frame. Raises CoconetError where a pipe has been closed, and for a password that is refused."""
        if self._container is None and time.monotonic() < self._retry_s:
            self.dropped += 1
            return
        try:
            self._send(frame)
            self._sent += 1
        except (FFmpegError, OSError) as error:
            self._lost(error)

    def close(self) -> None:
        """Send what is still in the encoder. Raises CoconetError if no frame at all found somebody who takes it."""
        if not self._sent and self.dropped:
            raise CoconetError(
                self.name,
                wanted="somebody who takes the stream",
                got=f"nobody for {self.dropped} frames",
                remedy="Start the receiver.",
            )
        self._flush()

    def _flush(self) -> None:
        if self._container is not None and self._stream is not None:
            with suppress(FFmpegError, OSError):
                self._container.mux(self._stream.encode(None))
        self.discard()

    def discard(self) -> None:
        """End the connection."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(FFmpegError, OSError):
                container.close()

    def _send(self, frame: FusedFrame) -> None:
        picture, now_ns = yuv_frame(frame.pixels), frame.pair.timestamp_ns
        if self._stream is not None and (self._stream.width, self._stream.height) != (picture.width, picture.height):
            self._flush()
        if self._container is None or self._stream is None:
            self._open(picture.width, picture.height, now_ns)
        container, stream = cast("OutputContainer", self._container), cast("VideoStream", self._stream)
        tick = round((now_ns - self._origin_ns) * _TICKS_PER_S / SECOND_NS)
        self._last_tick = max(tick, self._last_tick + 1)
        picture.pts, picture.time_base = self._last_tick, Fraction(1, _TICKS_PER_S)
        if not 0 <= now_ns - self._key_ns < _KEY_NS:
            self._key_ns, picture.pict_type = now_ns, PictureType.I
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
        stream.codec_context.gop_size = _MOST_BETWEEN_KEYS
        self._stream, self._origin_ns, self._key_ns, self._last_tick = stream, origin_ns, origin_ns, -1

    def _lost(self, error: Exception) -> None:
        self.discard()
        got = getattr(error, "strerror", None) or type(error).__name__
        if self._scheme == "h264" or isinstance(error, HTTPUnauthorizedError):  # neither gets better by waiting
            raise CoconetError(
                self.name, wanted="somebody who takes the stream", got=got, remedy="Start the receiver first."
            ) from error
        if not self.dropped:
            warn_once(f"nobody takes {self.name} ({got}); it is tried again every {_RETRY_S:g} s.")
        self.dropped += 1
        self._retry_s = time.monotonic() + _RETRY_S
        log_event("output lost", level=logging.WARNING, output=self.name, trouble=got)


class RawSink:
    """Writes every picture as plain bytes: rows of BGR, or of gray from a gray visible camera.

    A reader counts bytes, so the size of the first picture is that of all: others are scaled to it, in their own
    proportions.
    """

    name, delivery = RAW_PIPE, PIPED

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stdout.buffer
        self._size_px: tuple[int, int] | None = None

    def write(self, frame: FusedFrame) -> None:
        """Write one picture. Raises CoconetError where the reader has gone."""
        height, width = frame.pixels.shape[:2]
        self._size_px = self._size_px or (width, height)
        pixels = frame.pixels
        if (width, height) != self._size_px:
            warn_once(f"pictures of {width}x{height} now; {RAW_PIPE} goes on at the size it began with.")
            pixels = fitted("scale", (width, height), self._size_px).lay(pixels, self._size_px)
        try:
            self._stream.write(pixels.tobytes())
            self._stream.flush()
        except OSError as error:
            raise CoconetError(
                RAW_PIPE, wanted="a reader", got=error.strerror or "none", remedy="Keep the reader running."
            ) from error

    def close(self) -> None:
        """Nothing to do: whoever opened the pipe closes it."""

    def discard(self) -> None:
        """Nothing to do."""
