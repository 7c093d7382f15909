"""Sinks: where fused frames go, as a video file, a folder of pictures, a stream, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import CoconetError
from runtime.address import redacted
from runtime.frame import FusedFrame, Sink

if TYPE_CHECKING:
    from runtime.rotation import Rotation


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
        from runtime.rotation import RotatingSink

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


class VideoSink:
    """A video file that plays at the pace of the pairs; it has its name only once it is closed."""

    def __init__(self, path: Path) -> None:
        from coconet.video import VideoWriter

        self._path = path
        with writing_to(path):
            self._writer = VideoWriter(path)

    @property
    def size_bytes(self) -> int:
        """How much of the file is on the disk already."""
        return self._writer.size_bytes

    def write(self, frame: FusedFrame) -> None:
        """Append the picture at its pair's time."""
        with writing_to(self._path):
            self._writer.write(frame.pixels, frame.pair.timestamp_ns)

    def close(self) -> None:
        """Finish the file and give it its name."""
        with writing_to(self._path):
            self._writer.close()

    def discard(self) -> None:
        """Leave no file; one that had the name before stays."""
        self._writer.discard()


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


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into a CoconetError about `path`."""
    try:
        yield
    except OSError as error:
        raise CoconetError(
            path,
            wanted="a place that can be written to",
            got=error.strerror or str(error),
            remedy="Choose another place, or free space and give yourself the right to write there.",
        ) from error
