"""A video file as a sink."""

from __future__ import annotations

from pathlib import Path

from runtime.frame import FusedFrame
from runtime.writing import writing_to


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
