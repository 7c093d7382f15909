"""A network camera, RTSP or HTTP, decoded with little delay and stamped by its sender's clock."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

from coconet.errors import CoconetError, MissingPackage, system_reason
from coconet.event_log import warn_once
from coconet.media.decoding.decoder import DecoderName
from coconet.media.decoding.decoder_choice import shared_choice
from coconet.media.decoding.frame_pixels import FrameDecoder
from coconet.media.decoding.whole_frames import Outcome, WholeFrames, time_ns
from coconet.media.video import open_container, video_stream
from coconet.redaction import redact
from coconet.runtime.cameras.camera import CameraAbsent, CameraWithoutVideo
from coconet.runtime.cameras.stream_clock import StreamClock, measured
from coconet.runtime.frame import Frame, StampKind

try:
    from av.error import (
        ExitError,
        FFmpegError,
        HTTPForbiddenError,
        HTTPNotFoundError,
        HTTPServerError,
        HTTPUnauthorizedError,
        InvalidDataError,
    )
    from av.format import Flags
except ImportError as error:
    raise MissingPackage("av", job="network cameras") from error


SCHEMES = ("rtsp", "rtsps", "http", "https")

_LOW_DELAY = {"flags": "low_delay"}
"""Not the flag `nobuffer`: it throws away the packets that told what the stream is, among them the first key frame."""

_OF_RTSP = {"rtsp_transport": "tcp", "max_delay": "100000"}  # UDP loses packets, and a lost one costs until a keyframe

_OPEN_S, _READ_S = 5.0, 2.0

_HOPELESS_S = 5.0
"""Without a whole frame in this time, a connection that has given some is given up; of one that has not, all frames are
taken from then on: some cameras send messages beside their pictures that never decode."""


_NO_KEY = f"damage, and no key frame in {_HOPELESS_S:g} s"


class NetworkCamera:
    """A live stream of any codec that FFmpeg decodes.

    Stamps are the sender's times laid onto this machine's clock (`stream`), or those of the arrival where the stream
    carries none (`arrival`). Left out are frames of a live stream from before the first `read`, which are old by then,
    and every frame that the decoder reports damaged, with those that build on it, up to the next key frame.
    """

    realtime = True

    def __init__(
        self, address: str, *, gray: bool = False, palette: str = "auto", decoder: DecoderName = "auto"
    ) -> None:
        """Connect; frames are those of a FrameDecoder: with `gray` (H, W, 1), otherwise (H, W, 3) BGR.

        decoder: what decodes. Raises CameraAbsent if nothing answers within 5 s or nothing that is video, and
        CoconetError for a user and password that are refused, and for a decoder that does not work; the address is
        shown without a password.
        """
        self.name = redact(address)
        self._address, self._clock, self._index = address, StreamClock(), 0
        begun_s = time.monotonic()
        try:
            with ExitStack() as stack:
                self._container: Any = self._connected()
                stack.callback(self._container.close)
                stream = video_stream(self._container)
                if stream is None:
                    raise self._without_video()
                self._whole = WholeFrames(self._container, stream, self.name, shared_choice(decoder))
                stack.callback(self._whole.close)
                # FFmpeg counts the frames of webcams (multipart JPEG) and raw streams as if they came at 25 a second.
                self._has_times = Flags.no_timestamps not in Flags(self._container.format.flags)
                self._frames = self._stamped_frames()
                self.codec = str(stream.codec_context.name)
                aspect = stream.sample_aspect_ratio
                self._decoder = FrameDecoder(self.name, gray=gray, palette=palette, sample_aspect=aspect)
                stack.pop_all()
        except HTTPUnauthorizedError:
            raise self._locked_out() from None  # it will not know them better later
        except (FFmpegError, OSError, ValueError) as error:  # FFmpeg's words repeat the address, password and all
            raise self._not_opened(error, time.monotonic() - begun_s) from None

    def read(self) -> Frame | None:
        """Wait for the next frame; None if the sender ends. Raises CoconetError after 2 s of silence."""
        try:
            stamped = next(self._frames, None)
        except (FFmpegError, OSError) as error:
            got = f"no frame for {_READ_S:g} s" if isinstance(error, ExitError) else _reason(error)
            raise CoconetError(
                self.name, wanted="a video stream", got=got, remedy=_CHECK_SENDER, says=f"stopped: {got}"
            ) from None
        if stamped is None:
            return None
        frame, stamp_ns, kind = stamped
        pixels = self._decoder.pixels(frame)
        self._index += 1
        return Frame(pixels, stamp_ns, self._index - 1, stamps=kind, palette=self._decoder.palette)

    @property
    def decoded_by(self) -> str:
        """What decodes now: `software`, or the name of a hardware decoder."""
        return self._whole.decoded_by

    @property
    def damaged(self) -> int:
        """How many frames were left out."""
        return self._whole.damaged

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        self._whole.close()
        self._container.close()

    def _connected(self) -> Any:
        options = {**_LOW_DELAY, **(_OF_RTSP if self._address[:4].lower() == "rtsp" else {})}
        return open_container(self._address, options=options, timeout_s=(_OPEN_S, _READ_S))

    def _whole_frames(self) -> Iterator[Any]:
        """Frames that are whole. Raises CoconetError if none came for long although some had come."""
        given, takes_all, last_s = 0, False, time.monotonic()
        for outcome in self._outcomes():
            if outcome.frame is not None and (takes_all or outcome.damage is None):
                given, last_s = given + 1, time.monotonic()
                yield outcome.frame
            elif not takes_all and time.monotonic() - last_s > _HOPELESS_S:
                if given:
                    raise CoconetError(
                        self.name,
                        wanted="a video stream",
                        got=_NO_KEY,
                        remedy="Let the camera send a key frame every second.",
                        says=f"stopped: its frames were damaged, and no key frame came in {_HOPELESS_S:g} s",
                    )
                warn_once(f"{self.name}: every frame is reported damaged; they are taken as they are.")
                takes_all = True

    def _outcomes(self) -> Iterator[Outcome]:
        if not self._has_times:
            return iter(self._whole)
        return self._whole.of_stream(lambda packets: measured(packets, self._clock, _sent_ns))

    def _stamped_frames(self) -> Iterator[tuple[Any, int, StampKind]]:
        """Whole frames and their times, without those that had piled up, which are decoded for what builds on them."""
        for frame in self._whole_frames():
            now_ns = time.monotonic_ns()
            presented_ns = time_ns(frame) if self._has_times else None
            if presented_ns is None and self._clock.is_new:
                yield frame, now_ns, "arrival"
                continue
            stamp_ns = self._clock.placed(presented_ns, now_ns)
            if stamp_ns is not None and stamp_ns >= self._clock.begins_ns:
                yield frame, stamp_ns, "stream"

    def _not_opened(self, error: Exception, waited_s: float) -> CameraAbsent:
        """Why there is no stream, by what FFmpeg raised and after how long."""
        kind: type[CameraAbsent] = CameraAbsent
        if isinstance(error, HTTPNotFoundError):
            kind, got = CameraWithoutVideo, "it has no such path (404 Not Found)"
            remedy = "Check what follows the host in the address; docs/rig.md has what makers call their channels."
        elif isinstance(error, HTTPForbiddenError):
            kind, got = CameraWithoutVideo, "this user has no right to see it (403 Forbidden)"
            remedy = "Give this user the right to see the stream, in the camera's settings."
        elif isinstance(error, ExitError) or waited_s >= _OPEN_S:
            kind, got, remedy = CameraAbsent, f"no picture came within {_OPEN_S:g} s", _CHECK_SENDER
        elif isinstance(error, InvalidDataError):
            kind, got = CameraWithoutVideo, "what it sends is not a video stream"
            remedy = "Check the address: the page of a camera is not its stream."
        elif _is_unresolvable(self._address):
            kind, got, remedy = CameraAbsent, "its host name is not known", "Check the address and the network."
        else:
            kind, got, remedy = CameraAbsent, _reason(error), _CHECK_ADDRESS
        return kind(self.name, wanted="a video stream", got=got, remedy=remedy, says=f"gives no video: {got}")

    def _without_video(self) -> CameraWithoutVideo:
        contexts = [(stream.type, getattr(stream, "codec_context", None)) for stream in self._container.streams]
        known = [f"{kind} ({context.name})" for kind, context in contexts if context is not None]
        got = f"it sends only {' and '.join(known)}" if known else "it sends a codec that is not known here"
        return CameraWithoutVideo(
            self.name,
            wanted="a video stream",
            got=got,
            says=f"gives no video: {got}",
            remedy="Set the camera to H.264, H.265 or MJPEG, and check what follows the host in the address.",
        )

    def _locked_out(self) -> CoconetError:
        login = "@" in self._address.partition("://")[2].partition("/")[0]
        asks = "that it refuses user and password" if login else "that it wants user and password"
        return CoconetError(
            self.name,
            wanted="a video stream",
            got=f"the answer {asks} (401 Unauthorized)",
            remedy="Check user and password." if login else "Write them before the host: rtsp://USER:PASSWORD@HOST/...",
            says=f"gives no video: it answers {asks} (401 Unauthorized)",
        )


def _sent_ns(packet: Any) -> int | None:
    """When a packet was sent: as it is to be decoded, for a frame that others build on may be shown much later."""
    dts: int | None = packet.dts
    return time_ns(packet) if dts is None else round(dts * Fraction(packet.time_base) * 10**9)


_CHECK_ADDRESS = "Check the address, the network, and user and password."

_CHECK_SENDER = "Check that the camera is sending, and the network."


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPServerError):
        return "it answers that it has failed (5xx)"
    return system_reason(error, "what it sends cannot be read")


def _is_unresolvable(address: str) -> bool:
    """Whether the host of an address has no number."""
    try:
        socket.getaddrinfo(urlsplit(address).hostname, None)
    except (OSError, ValueError):
        return True
    return False
