"""A network camera: RTSP or HTTP, decoded with as little waiting as the stream allows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from coconet.errors import CoconetError, MissingPackage
from runtime.absent_camera import CameraAbsent
from runtime.address import redacted
from runtime.frame import Frame, RawPixels, StampKind
from runtime.stream_clock import StreamClock

try:
    import av
    from av.error import FFmpegError, HTTPUnauthorizedError
except ImportError as error:
    raise MissingPackage("av", job="network cameras") from error

SCHEMES = ("rtsp", "rtsps", "http", "https")

_LOW_DELAY = {"fflags": "nobuffer", "flags": "low_delay"}
_OF_RTSP = {"rtsp_transport": "tcp", "max_delay": "100000"}  # UDP loses packets, and a lost one costs until a keyframe
_OPEN_S, _READ_S = 5.0, 2.0


class NetworkCamera:
    """A live stream of any codec that FFmpeg decodes.

    Stamps are the sender's times laid onto this machine's clock (`stream`), or those of the arrival where the stream
    carries none (`arrival`).
    """

    realtime = True

    def __init__(self, address: str, *, gray: bool = False) -> None:
        """Connect; with `gray` frames are the luma plane, (H, W, 1), otherwise (H, W, 3) BGR.

        Raises CameraAbsent where nothing answers within 5 s, and CoconetError for a user and password that are
        refused; the address is shown without them.
        """
        self.name = redacted(address)
        self._format, self._clock, self._index = ("gray" if gray else "bgr24"), StreamClock(), 0
        options = {**_LOW_DELAY, **(_OF_RTSP if urlsplit(address).scheme.startswith("rtsp") else {})}
        try:
            self._container: Any = av.open(address, options=options, timeout=(_OPEN_S, _READ_S))
            self._frames = self._decoded()
        except HTTPUnauthorizedError as error:
            raise self._failed(error) from None  # it will not know them better later
        except (FFmpegError, OSError, ValueError, IndexError) as error:
            raise self._failed(error, CameraAbsent) from None  # FFmpeg's words repeat the address, password and all

    def read(self) -> Frame | None:
        """Wait for the next frame; None where the sender ends. Raises CoconetError after 2 s of silence."""
        try:
            frame = next(self._frames, None)
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from None
        if frame is None:
            return None
        arrived_ns = time.monotonic_ns()
        pixels: RawPixels = frame.to_ndarray(format=self._format)
        stamp_ns, kind = self._stamp(frame, arrived_ns)
        self._index += 1
        return Frame(pixels if pixels.ndim == 3 else pixels[:, :, None], stamp_ns, self._index - 1, stamps=kind)

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        self._container.close()

    def _decoded(self) -> Iterator[Any]:
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # threads by frame hold as many frames back as there are threads
        return iter(self._container.decode(stream))

    def _stamp(self, frame: Any, arrived_ns: int) -> tuple[int, StampKind]:
        if frame.pts is None or frame.time_base is None:
            return arrived_ns, "arrival"
        return self._clock.stamp(round(frame.pts * frame.time_base * 10**9), arrived_ns), "stream"

    def _failed(self, error: Exception, kind: type[CoconetError] = CoconetError) -> CoconetError:
        return kind(
            self.name,
            wanted="a video stream",
            got=getattr(error, "strerror", None) or type(error).__name__,
            remedy="Check the address, the network, and user and password.",
        )
