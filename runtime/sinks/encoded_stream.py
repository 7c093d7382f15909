"""Video that is encoded with little delay and sent on: an MPEG transport stream by UDP or a pipe, or to RTSP."""

from __future__ import annotations

import sys
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels
from coconet.media.video import SECOND_NS
from coconet.media.video_writer import H264, MPEG4, yuv_frame

try:
    import av
    from av.error import FFmpegError, HTTPUnauthorizedError
    from av.video.frame import PictureType
except ImportError as error:
    raise MissingPackage("av", job="sending video") from error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


PATIENCE_S = 5.0
"""How long a receiver that says nothing is waited for."""

_TICKS_PER_S = 90_000  # the clock of MPEG transport streams and of RTP

_KEY_NS = SECOND_NS  # a key frame this often, whatever the rate: a receiver that joins sees a picture within it

_MOST_BETWEEN_KEYS = 600  # frames; the encoder's own limit, which no rate up to 600 reaches before the clock does

_HEADERS = {"forced-idr": "1", "x264-params": "repeat-headers=1:scenecut=0"}
"""With every key frame comes what decoding begins with."""

_LIVE = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", **_HEADERS}

_FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    "udp": ("mpegts", {"pkt_size": "1316"}),  # seven packets of 188 bytes fit an Ethernet frame
    "rtsp": ("rtsp", {"rtsp_transport": "tcp", "timeout": str(round(PATIENCE_S * 1e6))}),
    "h264": ("mpegts", {}),
}


class StreamLost(Exception):
    """Nobody takes the stream now. final: it does not get better by waiting, as with a password that is refused."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.final = reason, final


class EncodedStream:
    """One connection: pictures go in, H.264 goes out; MPEG-4 if this FFmpeg has no H.264.

    A picture of another size begins the stream again.
    """

    def __init__(self, address: str) -> None:
        """address: udp://, rtsp:// or `h264:-`; the first picture decides the size, and opens the connection."""
        self._address, self._scheme = address, address.partition(":")[0]
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._origin_ns, self._key_ns, self._last_tick = 0, 0, -1

    def send(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Send one picture: (H, W, 3) BGR or (H, W) gray, uint8. Raises StreamLost."""
        try:
            self._send(pixels, timestamp_ns)
        except (FFmpegError, OSError) as error:
            final = self._scheme == "h264" or isinstance(error, HTTPUnauthorizedError)
            raise StreamLost(getattr(error, "strerror", None) or type(error).__name__, final=final) from error

    def finish(self) -> None:
        """Send what is still in the encoder, and end the connection."""
        if self._container is not None and self._stream is not None:
            with suppress(FFmpegError, OSError):
                self._container.mux(self._stream.encode(None))
        self.close()

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(FFmpegError, OSError):
                container.close()

    def _send(self, pixels: Pixels, timestamp_ns: int) -> None:
        picture = yuv_frame(pixels)
        if self._stream is not None and (self._stream.width, self._stream.height) != (picture.width, picture.height):
            self.finish()
        if self._container is None or self._stream is None:
            self._open(picture.width, picture.height, timestamp_ns)
        container, stream = cast("OutputContainer", self._container), cast("VideoStream", self._stream)
        tick = round((timestamp_ns - self._origin_ns) * _TICKS_PER_S / SECOND_NS)
        self._last_tick = max(tick, self._last_tick + 1)
        picture.pts, picture.time_base = self._last_tick, Fraction(1, _TICKS_PER_S)
        if not 0 <= timestamp_ns - self._key_ns < _KEY_NS:
            self._key_ns, picture.pict_type = timestamp_ns, PictureType.I
        container.mux(stream.encode(picture))

    def _open(self, width: int, height: int, origin_ns: int) -> None:
        kind, options = _FORMATS[self._scheme]
        target: Any = sys.stdout.buffer if self._scheme == "h264" else self._address
        self._container = av.open(target, "w", format=kind, options=options, timeout=(PATIENCE_S, PATIENCE_S))
        encoder, settings = (
            (H264.name, _LIVE) if H264.name in av.codecs_available else (MPEG4.name, dict(MPEG4.options))
        )
        stream = cast("VideoStream", self._container.add_stream(encoder, rate=30, options=settings))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        stream.codec_context.gop_size = _MOST_BETWEEN_KEYS
        self._stream, self._origin_ns, self._key_ns, self._last_tick = stream, origin_ns, origin_ns, -1
