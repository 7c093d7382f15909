"""A GStreamer decoder, fed with FFmpeg's packets: on a Jetson the hardware's decoder is reached in no other way."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.decoding.decoder import HardwareDecoder
from coconet.media.decoding.packet_decoder import DecodingFailed, rows_of
from coconet.media.hardware.gstreamer import CodecPipeline, Coded, PipelineFailed, missing_element

try:
    import av
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_NAMES = {"h264": ("h264parse", "video/x-h264", "avc"), "hevc": ("h265parse", "video/x-h265", "hvc1")}
"""Of a codec: its parser, its caps, and its form with the lengths of units in place of start codes."""

_GIVES = "video/x-raw,format=NV12"

_PATIENCE_S = 0.015
"""How long a picture is waited for, as a decoder works in a thread of its own; half the time between two pictures."""

_LAST_S = 2.0


class GStreamerDecoder:
    """Feeds a pipeline and takes pictures out of it.

    A picture is waited for, so that it is not out of date by one, unless the decoder is known to hold as many.
    """

    def __init__(self, candidate: HardwareDecoder, like: VideoCodecContext, shown: av.VideoFrame) -> None:
        """like: the container's decoder, which knows what decoding begins with. Raises DecodingFailed.

        shown: a picture of the stream in yuv420p, for what it says of its colours and where its chroma samples lie.
        """
        parser, caps, counted = _NAMES[like.codec.name]
        elements = f"{parser} ! {candidate.elements}"
        if name := missing_element(elements):
            raise DecodingFailed(f"this GStreamer has no {name}")
        extradata = like.extradata or b""
        keeps_apart = extradata[:1] == b"\1"  # as ISO 14496-15 has it, without start codes
        form = f"{caps},stream-format={counted if keeps_apart else 'byte-stream'},alignment=au"
        self._shown, self._head = shown, b"" if keeps_apart else extradata
        self._waiting: dict[int, tuple[int, Fraction]] = {}
        self._holds = 0
        try:
            self._pipeline = CodecPipeline(elements, form, _GIVES, extradata if keeps_apart else None)
        except PipelineFailed as error:
            raise DecodingFailed(str(error)) from error

    def decode(self, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
        """The frames that come out when a packet goes in; an empty one asks for what is left. Raises DecodingFailed."""
        try:
            if not packet.size:
                self._pipeline.finish()
                return [*self._pulled(_LAST_S, held=0)]
            if packet.pts is None or packet.time_base is None:
                raise DecodingFailed("the stream has no times")
            data, self._head = self._head + bytes(packet), b""
            time_ns = round(packet.pts * packet.time_base * 10**6) * 1000
            self._waiting[time_ns] = (packet.pts, Fraction(packet.time_base))
            self._pipeline.push(data, time_ns)
            return [*self._pulled(_PATIENCE_S, held=self._holds)]
        except PipelineFailed as error:
            raise DecodingFailed(str(error)) from error

    def close(self) -> None:
        """Stop the pipeline."""
        self._pipeline.close()

    def _pulled(self, wait_s: float, held: int) -> list[av.VideoFrame]:
        """What comes out, waited for while more than `held` pictures are inside."""
        frames: list[av.VideoFrame] = []
        while True:
            coded = self._pipeline.pull(wait_s if len(self._waiting) > held else 0.0)
            if coded is None:
                inside = len(self._waiting)
                self._holds = inside if inside > held else min(self._holds, inside)
                return frames
            frames.append(self._frame(coded))

    def _frame(self, coded: Coded) -> av.VideoFrame:
        known = self._waiting.pop(coded.time_ns, None)
        if known is None:
            raise DecodingFailed("a picture came out with a time that none went in with")
        layout = coded.caps.get_structure(0)
        width, height = layout.get_value("width"), layout.get_value("height")
        if (width, height) != (self._shown.width, self._shown.height) or width % 2 or height % 2:
            raise DecodingFailed(f"pictures of {width}x{height}")
        frame = self._shown.reformat(format="nv12")  # a new one, with all that PyAV lets nobody set
        samples = np.frombuffer(coded.data, np.uint8).reshape(height * 3 // 2, -1)[:, :width]
        for plane, rows in zip(frame.planes, (samples[:height], samples[height:]), strict=True):
            rows_of(plane)[: len(rows), :width] = rows
        frame.pts, frame.time_base = known
        return frame
