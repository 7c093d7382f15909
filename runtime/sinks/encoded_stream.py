"""Video that is encoded with little delay and sent on: an MPEG transport stream by UDP or a pipe, or to RTSP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from coconet.errors import MissingPackage, system_reason
from coconet.media.decoding.frame_times import SECOND_NS
from coconet.media.encoding.encoded_video import EncodedVideo, EncodingFailed
from coconet.media.encoding.encoder_choice import EncoderChoice
from coconet.media.encoding.yuv_frame import yuv_frame
from coconet.media.pixels import Pixels
from coconet.runtime.sinks.raw_pipe import piped_output

try:
    import av
    from av.error import FFmpegError, HTTPError, HTTPUnauthorizedError
    from av.video.frame import PictureType
except ImportError as error:
    raise MissingPackage("av", job="sending video") from error

if TYPE_CHECKING:
    from av.container import OutputContainer


PATIENCE_S = 5.0
"""How long a receiver that says nothing is waited for."""

_TICKS_PER_S = 90_000  # the clock of MPEG transport streams and of RTP

_KEY_NS = SECOND_NS  # a key frame this often, whatever the rate: a receiver that joins sees a picture within it

_MOST_BETWEEN_KEYS = 600  # frames; the encoder's own limit, which no rate up to 600 reaches before the clock does

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

    def __reduce__(self) -> tuple[Callable[..., StreamLost], tuple[object, ...]]:
        """Let it pass from one process to another."""
        return partial(StreamLost, final=self.final), (self.reason,)


class EncodedStream:
    """One connection: pictures go in, H.264 goes out; MPEG-4 if this FFmpeg has no H.264.

    A picture of another size begins the stream again, and so does a hardware encoder that fails.
    """

    def __init__(self, address: str, encoders: EncoderChoice) -> None:
        """address: udp://, rtsp:// or `h264:-`; the first picture decides the size, and opens the connection."""
        self._encoders = encoders
        self._address, self._scheme = address, address.partition(":")[0]
        self._container: OutputContainer | None = None
        self._video: EncodedVideo | None = None
        self._origin_ns, self._key_ns, self._last_tick = 0, 0, -1

    def send(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Send one picture: (H, W, 3) BGR or (H, W) gray, uint8. Raises StreamLost; the next picture connects again.

        Raises Refused if the encoder that was asked for does not work.
        """
        picture = yuv_frame(pixels)
        try:
            while not self._encoded(picture, timestamp_ns):
                pass  # the next encoder tries; behind the last one stands software
        except (FFmpegError, OSError) as error:
            self.close()
            final = self._scheme == "h264" or isinstance(error, HTTPUnauthorizedError)
            raise StreamLost(_reason(error), final=final) from error

    def finish(self) -> None:
        """Send what is still in the encoder, and end the connection."""
        if self._container is not None and self._video is not None:
            with suppress(FFmpegError, OSError, EncodingFailed):
                self._video.flush()
        self.close()

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        container, self._container, self._video = self._container, None, None
        if container is not None:
            with suppress(FFmpegError, OSError):
                container.close()

    def _encoded(self, picture: av.VideoFrame, timestamp_ns: int) -> bool:
        """Whether a picture was encoded and sent, and not refused by a hardware encoder, which is dropped then."""
        try:
            self._send(picture, timestamp_ns)
        except EncodingFailed as failure:  # what it held is old by now: the newest picture begins the stream again
            self.close()
            self._encoders.drop(failure.encoder, failure.reason)
            return False
        return True

    def _send(self, picture: av.VideoFrame, timestamp_ns: int) -> None:
        size_px = (picture.width, picture.height)
        if self._video is not None and self._video.size_px != size_px:
            self.finish()
        video = self._video or self._open(size_px, timestamp_ns)
        tick = round((timestamp_ns - self._origin_ns) * _TICKS_PER_S / SECOND_NS)
        self._last_tick = max(tick, self._last_tick + 1)
        picture.pts, picture.time_base = self._last_tick, Fraction(1, _TICKS_PER_S)
        if not 0 <= timestamp_ns - self._key_ns < _KEY_NS:
            self._key_ns, picture.pict_type = timestamp_ns, PictureType.I
        video.write(picture)

    def _open(self, size_px: tuple[int, int], origin_ns: int) -> EncodedVideo:
        encoder = self._encoders.encoder_for("live", size_px)
        kind, options = _FORMATS[self._scheme]
        target: Any = piped_output(self._address) if self._scheme == "h264" else self._address
        self._container = av.open(target, "w", format=kind, options=options, timeout=(PATIENCE_S, PATIENCE_S))
        self._video = EncodedVideo(self._container, encoder, size_px, _TICKS_PER_S)
        self._video.limit_keys(_MOST_BETWEEN_KEYS)
        self._origin_ns, self._key_ns, self._last_tick = origin_ns, origin_ns, -1
        return self._video


def _reason(error: Exception) -> str:
    """Why nothing was sent, without FFmpeg's own words."""
    if isinstance(error, HTTPUnauthorizedError):
        return "it refuses user and password (401 Unauthorized)"
    if isinstance(error, HTTPError):
        return "it does not take a stream at this address"
    return system_reason(error, "the connection or the encoder failed")
