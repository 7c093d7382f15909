"""The sink contract, with the simplest sinks: a folder of pictures, one picture, and nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coconet.errors import CoconetError
from coconet.files import check_replaceable, holds_something, make_folder, plain_name, writing_to
from coconet.media.pixels import Pixels
from coconet.runtime.frame import FramePair, FusedFrame
from coconet.runtime.threads.queue_thread import Bounds


@dataclass(frozen=True)
class Delivery:
    """How frames get to a sink.

    bounds: how many wait for it, and what happens to one more. patience_s: how long, at the end, the sink may take for
    those that wait, and then for closing, before it counts as stuck.
    """

    bounds: Bounds
    patience_s: float

    @property
    def lossy(self) -> bool:
        """Whether frames are dropped rather than the loop kept waiting."""
        return self.bounds.when_full != "wait"


WHOLE = Delivery(Bounds(4), patience_s=60.0)
"""To a file: nothing is lost. Four frames bridge a slow write; more would only hide a disk that is too slow."""

PIPED = Delivery(Bounds(4), patience_s=3.0)
"""To a pipe: nothing is lost, and a reader who has stopped reading is not waited for at the end."""

SENT = Delivery(Bounds(16, "drop newest"), patience_s=3.0)
"""To a network: a receiver that is slow costs frames, and holds nothing up. Half a second of frames at 30 fps waits."""

CLIPPED = Delivery(Bounds(16, "drop newest"), patience_s=60.0)
"""To a file beside the run: a slow disk costs frames of the file, and holds nothing up."""


class Sink(Protocol):
    """Where fused frames go. name: for errors, without passwords. delivery: how frames get there."""

    @property
    def name(self) -> str:
        """What errors call it."""

    @property
    def delivery(self) -> Delivery:
        """How frames get to it."""

    def write(self, frame: FusedFrame) -> None:
        """Take one fused frame."""

    def close(self) -> None:
        """Finish what was written, so that it stands under its final name."""

    def discard(self) -> None:
        """End after an error: what is whole stays, and what is not whole does not get its final name."""


def files_of(sink: Sink) -> tuple[str, ...]:
    """The files and folders that a sink has written whole: its name, or `files` of one that may have several."""
    files: Sequence[str] = getattr(sink, "files", (sink.name,))
    return tuple(files)


class NoSink:
    """Lets every frame go: to measure, or when frames are only looked at while they pass."""

    name, delivery = "nowhere", WHOLE

    def write(self, frame: FusedFrame) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def discard(self) -> None:
        """Nothing to do."""


class FolderSink:
    """A folder of pictures named like the visible ones, or by frame number as PNG; each is written whole.

    When the infrared camera sets the pace, they have its frame numbers, as in infrared-000012.png.
    """

    delivery = WHOLE

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, str(folder)
        self._made = not folder.exists()
        make_folder(folder)

    def holds(self, pair: FramePair) -> bool:
        """Whether the picture of a pair is there already; an empty file is none."""
        return holds_something(self._place(pair))

    def write(self, frame: FusedFrame) -> None:
        """Write one picture; a file of that name is replaced once the new one is whole."""
        from coconet.media.image import write_picture

        path = self._place(frame.pair)
        with writing_to(path):
            write_picture(path, frame.pixels)

    def close(self) -> None:
        """Nothing to do: every picture is whole."""

    def discard(self) -> None:
        """Keep the pictures, which are whole; remove the folder if this run made it and there is nothing in it."""
        if self._made and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _place(self, pair: FramePair) -> Path:
        if pair.clock == "infrared":  # one visible picture may then be in several pairs
            return self._folder / f"infrared-{pair.infrared.index:06d}.png"
        frame = pair.visible
        return self._folder / plain_name(frame.name or f"{frame.index:06d}.png", f"frame {frame.index}")


class PictureSink:
    """One picture, written whole at the end, of a run that fuses a single pair."""

    delivery = WHOLE

    def __init__(self, path: Path) -> None:
        """Raises CoconetError for a place that cannot be written to."""
        check_replaceable(path)
        self._path, self.name = path, str(path)
        self._pixels: Pixels | None = None

    def write(self, frame: FusedFrame) -> None:
        """Take the one frame. Raises CoconetError for a second one."""
        if self._pixels is not None:
            raise CoconetError(
                self._path,
                wanted="a single pair for one picture",
                got="more than one",
                remedy="Name a folder, such as fused/, or a video, fused.mp4; --frames 1 fuses the first pair.",
                says="is one picture, and there is more than one pair",
            )
        self._pixels = frame.pixels

    def close(self) -> None:
        """Write the picture; one of that name is replaced once the new one is whole."""
        from coconet.media.image import write_picture

        if self._pixels is not None:
            with writing_to(self._path):
                write_picture(self._path, self._pixels)

    def discard(self) -> None:
        """Write nothing."""
