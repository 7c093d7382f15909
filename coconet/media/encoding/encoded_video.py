"""The video of a container while it is encoded: pictures go in, and what the encoder still holds is remembered."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, cast

from coconet.errors import MissingPackage, counted
from coconet.media.encoding.encoder import Encoder

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG

BT601 = 6  # AVCOL_SPC_SMPTE170M

_MOST_HELD = 32
"""Pictures that an encoder may hold; one without B frames or a queue that holds more has stopped."""


class EncodingFailed(Exception):
    """A hardware encoder gives nothing any more. held: pictures that it took and did not give back, oldest first."""

    def __init__(self, encoder: Encoder, reason: str, held: list[av.VideoFrame]) -> None:
        super().__init__(f"{encoder.name}: {reason}")
        self.encoder, self.reason, self.held = encoder, reason, held


class EncodedVideo:
    """The one video stream of a container that is being written. begun: whether anything of it came out yet."""

    def __init__(self, container: OutputContainer, encoder: Encoder, size_px: tuple[int, int], clock: int) -> None:
        """Add the stream; the encoder is opened with the first picture. size_px: width and height, both even.

        clock: ticks per second of the pictures' pts. Raises FFmpegError for a device that cannot be opened.
        """
        self.encoder, self.begun, self.size_px = encoder, False, size_px
        self._container, self._failed = container, False
        self._held: dict[int | None, av.VideoFrame] = {}
        self._coder = _open_coder(container, encoder, size_px, Fraction(1, clock))

    def say_colours(self) -> None:
        """Have the file say what yuv_frame makes: players otherwise guess the matrix from the picture's size."""
        self._coder.say_colours(LIMITED_RANGE, BT601)

    def limit_keys(self, most_between: int) -> None:
        """Have a key frame after `most_between` others at the latest."""
        self._coder.limit_keys(most_between)

    def write(self, frame: av.VideoFrame) -> None:
        """Encode a yuv420p picture that has its pts, and write what comes out.

        Raises EncodingFailed if a hardware encoder fails, FFmpegError if another one does, and OSError if the
        container takes no more.
        """
        if self.encoder.hardware:
            self._held[frame.pts] = frame
        taken = frame
        if frame.format.name != self.encoder.pix_fmt:
            taken = frame.reformat(format=self.encoder.pix_fmt)
            taken.pts, taken.time_base, taken.pict_type = frame.pts, frame.time_base, frame.pict_type
        self._write(taken)
        if len(self._held) > _MOST_HELD:
            raise self._failure(f"nothing came out for {counted(len(self._held), 'picture')}")

    def flush(self) -> None:
        """Write what the encoder still holds; nothing if it has failed. Raises what `write` raises."""
        if self._failed:
            return
        self._write(None)
        if self._held:
            raise self._failure("it did not give back all pictures")

    def _write(self, frame: av.VideoFrame | None) -> None:
        try:
            packets = encode_picture(self._coder, frame)
        except (FFmpegError, ValueError) as error:
            if not self.encoder.hardware:
                raise
            raise self._failure(getattr(error, "strerror", None) or str(error)) from error
        for packet in packets:
            pts = packet.pts
            self._container.mux(packet)
            self.begun = True
            self._held.pop(pts, None)

    def _failure(self, reason: str) -> EncodingFailed:
        held, self._held, self._failed = list(self._held.values()), {}, True
        return EncodingFailed(self.encoder, reason, held)


def encode_picture(coder: Coder, frame: av.VideoFrame | None) -> list[Packet[Any]]:
    """The packets that come out when a picture goes in; None asks for what is left."""
    return coder.encode(frame)


class Coder(Protocol):
    """What encodes the pictures of a stream; it is opened with the first."""

    def say_colours(self, colour_range: int, matrix: int) -> None:
        """Have the stream say how its colours are to be understood, in the numbers of ITU-T H.273."""

    def limit_keys(self, most_between: int) -> None:
        """Have a key frame after `most_between` others at the latest."""

    def encode(self, frame: av.VideoFrame | None) -> list[Packet[Any]]:
        """The packets that come out when a picture goes in, which has its pts; None asks for what is left.

        Raises FFmpegError or ValueError.
        """


def _open_coder(container: OutputContainer, encoder: Encoder, size_px: tuple[int, int], clock: Fraction) -> Coder:
    if not encoder.elements:
        return _FFmpegCoder(container, encoder, size_px, clock)
    try:
        from coconet.media.encoding.gstreamer_encoder import GStreamerEncoder
    except MissingPackage as error:
        raise ValueError(str(error)) from error
    return GStreamerEncoder(container, encoder, size_px, clock)


class _FFmpegCoder:
    """An encoder of FFmpeg, in a stream of the container."""

    def __init__(self, container: OutputContainer, encoder: Encoder, size_px: tuple[int, int], clock: Fraction) -> None:
        options = dict(encoder.options)
        if encoder.device:
            from av.codec.hwaccel import HWAccel

            uploads = HWAccel(device_type=encoder.device, allow_software_fallback=False)
            try:
                added = container.add_stream(encoder.name, rate=30, options=options, hwaccel=uploads)
            except AttributeError as error:  # what PyAV before 18 makes of it
                raise ValueError("this PyAV cannot upload pictures to a device; 18 can") from error
        else:
            added = container.add_stream(encoder.name, rate=30, options=options)
        self._stream = cast("VideoStream", added)
        self._stream.width, self._stream.height = size_px
        self._stream.pix_fmt = encoder.pix_fmt
        self._stream.time_base = self._stream.codec_context.time_base = clock

    def say_colours(self, colour_range: int, matrix: int) -> None:
        codec = self._stream.codec_context
        codec.color_range, codec.colorspace = colour_range, matrix

    def limit_keys(self, most_between: int) -> None:
        self._stream.codec_context.gop_size = most_between

    def encode(self, frame: av.VideoFrame | None) -> list[Packet[Any]]:
        if frame is None and not self._stream.codec_context.is_open:  # it holds nothing, and PyAV 19 crashes if asked
            return []
        return list(self._stream.encode(frame))
