"""Sinks: where fused frames go, as a video file, a folder of pictures, a stream, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime.address import redacted
from runtime.frame import FusedFrame, Sink
from runtime.rotation import RotatingSink, Rotation
from runtime.video_sink import VideoSink
from runtime.writing import writing_to


@dataclass(frozen=True)
class Output:
    """Where frames go, as `open_sink` takes it: an address, and when a video file gives way to the next one."""

    address: str | None
    rotation: Rotation | None = None


def open_sink(address: str | None, rotation: Rotation | None = None) -> Sink:
    """Open a sink: a name with an ending is a video file, and None is nowhere.

    udp:// and rtsp:// send H.264; h264:- and raw:- write to standard output. A folder is what ends in a slash, has no
    ending, or is there already; it is made where it is not. rotation: when a video file gives way to the next one.
    Raises CoconetError for what cannot be written.
    """
    if address is None:
        return NoSink()
    if address.startswith(("udp://", "rtsp://", "h264:")):
        from runtime.lossy_sink import LossySink
        from runtime.stream_out import StreamSink

        stream = StreamSink(address)
        return stream if address.startswith("h264:") else LossySink(stream, redacted(address))
    if address == "raw:-":
        from runtime.stream_out import RawSink

        return RawSink()
    path = Path(address)
    if address.endswith("/") or path.is_dir() or not path.suffix:
        return FolderSink(path)
    if rotation is not None:
        return RotatingSink(path, rotation)
    return VideoSink(path)


class NoSink:
    """Lets every frame go: to measure, or where somebody else looks at the frames."""

    def write(self, frame: FusedFrame) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def discard(self) -> None:
        """Nothing to do."""


class FolderSink:
    """A folder of pictures named like the visible ones, or by frame number as PNG; each is written whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = not folder.exists()
        self._written: list[Path] = []
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: FusedFrame) -> None:
        """Write one picture; a file of that name is replaced."""
        from coconet.picture import write_picture

        path = self._folder / (frame.pair.visible.name or f"{frame.pair.visible.index:06d}.png")
        with writing_to(path):
            write_picture(path, frame.pixels)
        self._written.append(path)

    def close(self) -> None:
        """Keep what was written."""
        self._written.clear()

    def discard(self) -> None:
        """Remove the pictures of this run, and the folder if this run made it and nobody else uses it."""
        for path in self._written:
            path.unlink(missing_ok=True)
        self._written.clear()
        if self._made and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
