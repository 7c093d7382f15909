"""Hardware decoders by what they are: the one function that knows which kinds there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coconet.errors import MissingPackage
from coconet.media.decoding.decoder import HardwareDecoder
from coconet.media.decoding.packet_decoder import DecodingFailed, FFmpegDecoder, PacketDecoder

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream


def open_decoder(candidate: HardwareDecoder, stream: VideoStream, shown: av.VideoFrame) -> PacketDecoder:
    """Open a hardware decoder for a stream. shown: a picture of it, as software gives it. Raises DecodingFailed."""
    if not candidate.elements:
        return FFmpegDecoder(candidate, stream.codec_context)
    try:
        from coconet.media.decoding.gstreamer_decoder import GStreamerDecoder
    except MissingPackage as error:
        raise DecodingFailed(str(error)) from error
    return GStreamerDecoder(candidate, stream.codec_context, shown)
