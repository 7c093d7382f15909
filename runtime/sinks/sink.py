"""The sink contract, with the two simplest sinks: a folder of pictures, and nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coconet.files import writing_to
from coconet.runtime.frame import FusedFrame


class Sink(Protocol):
    """Where fused frames go."""

    def write(self, frame: FusedFrame) -> None:
        """Take one fused frame."""

    def close(self) -> None:
        """Finish what was written, so that it stands under its final name."""

    def discard(self) -> None:
        """Drop what was written, after an error."""


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
        from coconet.media.image import write_picture

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
