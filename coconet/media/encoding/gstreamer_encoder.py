"""A GStreamer encoder whose packets go into a container of FFmpeg: a Jetson's encoder is reached in no other way."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.encoding.encoder import Encoder
from coconet.media.hardware.gstreamer import CodecPipeline, Coded, PipelineFailed, missing_element

try:
    import av
    from av.bitstream import BitStreamFilterContext
    from av.packet import Packet
    from av.video.frame import PictureType
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error

if TYPE_CHECKING:
    from av.container import OutputContainer

_GIVES = "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"

_FILE_KEYS = 60
"""The number of frames from one key frame to the next, unless it is set."""

_PATIENCE_S = 0.015
"""How long the packet of a picture is waited for, as an encoder works in a thread of its own."""

_LAST_S = 2.0


class GStreamerEncoder:
    """Encodes pictures of NV12; the pipeline is started with the first."""

    def __init__(self, container: OutputContainer, encoder: Encoder, size_px: tuple[int, int], clock: Fraction) -> None:
        """Add the stream; size_px: width and height, both even. clock: the unit of the pictures' pts, in seconds."""
        width, height = size_px
        self._stream: Any = container.add_mux_stream("h264", rate=30, width=width, height=height)
        self._stream.time_base = self._clock = clock
        self._encoder, self._size_px, self._keys = encoder, size_px, _FILE_KEYS
        self._pipeline: CodecPipeline | None = None
        self._colours: BitStreamFilterContext | None = None
        self._waiting: dict[int, int] = {}

    def say_colours(self, colour_range: int, matrix: int) -> None:
        """Have the stream say how its colours are to be understood."""
        full = int(colour_range != 1)
        told = f"h264_metadata=video_full_range_flag={full}:matrix_coefficients={matrix}"
        self._colours = BitStreamFilterContext(told, in_stream=self._stream)

    def limit_keys(self, most_between: int) -> None:
        """Have a key frame after `most_between` others at the latest."""
        self._keys = most_between

    def encode(self, frame: av.VideoFrame | None) -> list[Packet[Any]]:
        """The packets that come out when a picture goes in; None asks for what is left. Raises ValueError."""
        try:
            if frame is None:
                return self._rest()
            pipeline = self._pipeline = self._pipeline or self._start()
            pts = frame.pts or 0
            time_ns = round(pts * self._clock * 10**6) * 1000
            self._waiting[time_ns] = pts
            wants_key = frame.pict_type == PictureType.I
            pipeline.push(np.ascontiguousarray(frame.to_ndarray()).tobytes(), time_ns, wants_key=wants_key)
            return self._pulled(pipeline, _PATIENCE_S)
        except PipelineFailed as error:
            raise ValueError(str(error)) from error

    def _start(self) -> CodecPipeline:
        if name := missing_element(self._encoder.elements):
            raise ValueError(f"this GStreamer has no {name}")
        keys = ((name, str(self._keys)) for name in self._encoder.keys)
        properties = " ".join(f"{name}={value}" for name, value in (*self._encoder.options, *keys))
        width, height = self._size_px
        takes = f"video/x-raw,format=NV12,width={width},height={height},framerate=30/1"
        return CodecPipeline(f"{self._encoder.elements} {properties}", takes, _GIVES)

    def _rest(self) -> list[Packet[Any]]:
        if self._pipeline is None:
            return []
        self._pipeline.finish()
        packets = self._pulled(self._pipeline, _LAST_S)
        self._pipeline.close()
        return packets

    def _pulled(self, pipeline: CodecPipeline, wait_s: float) -> list[Packet[Any]]:
        packets: list[Packet[Any]] = []
        while (coded := pipeline.pull(wait_s if self._waiting else 0.0)) is not None:
            packets += self._packets(coded)
        return packets

    def _packets(self, coded: Coded) -> list[Packet[Any]]:
        pts = self._waiting.pop(coded.time_ns, None)
        if pts is None:
            raise ValueError("a packet came out with a time that no picture went in with")
        packet: Packet[Any] = Packet(coded.data)
        packet.pts = packet.dts = pts
        packet.time_base, packet.is_keyframe, packet.stream = self._clock, coded.key, self._stream
        packets = [packet] if self._colours is None else self._colours.filter(packet)
        for one in packets:
            one.stream = self._stream
        return packets
