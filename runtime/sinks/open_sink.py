"""Sinks: where fused frames go, as a video file, a folder of pictures, a stream, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.errors import CoconetError
from coconet.redaction import is_network_address, redact
from coconet.runtime.sinks.sink import FolderSink, NoSink, Sink
from coconet.runtime.sinks.video_file import RotatingSink, Rotation, VideoSink

_SCHEMES = ("udp", "rtsp", "h264", "raw")


@dataclass(frozen=True)
class Output:
    """Where frames go, as `open_sink` takes it: an address, and when a video file gives way to the next one."""

    address: str | None = None
    rotation: Rotation | None = None


def open_sink(address: str | None, rotation: Rotation | None = None) -> Sink:
    """Open a sink: a name with an ending is a video file, and None is nowhere.

    udp:// and rtsp:// send H.264; h264:- and raw:- write to standard output. A folder is what ends in a slash, has no
    ending, or is there already; it is made where it is not. rotation: when a video file gives way to the next one.
    Schemes may be written in capitals. Raises CoconetError for an unknown scheme, and for what cannot be written.
    """
    if address is None:
        return NoSink()
    scheme, colon, rest = address.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        address = f"{scheme.lower()}:{rest}"
    if address.startswith(("udp://", "rtsp://")) or address == "h264:-":
        from coconet.runtime.sinks.network_stream import StreamSink

        return StreamSink(address)
    if address == "raw:-":
        from coconet.runtime.sinks.network_stream import RawSink

        return RawSink()
    if is_network_address(address) or scheme.lower() in ("h264", "raw"):
        raise CoconetError(
            redact(address),
            wanted="udp://host:5000 or rtsp://host/path, h264:- or raw:-, a video file or a folder",
            got="another kind of address",
            remedy="Use one of them.",
        )
    path = Path(address)
    if address.endswith("/") or path.is_dir() or not path.suffix:
        return FolderSink(path)
    if rotation is not None:
        return RotatingSink(path, rotation)
    return VideoSink(path)
