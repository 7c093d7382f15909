"""A recording as a camera: the pixels of a lossless video and the stamps beside it, exactly as they came."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from coconet.errors import CoconetError
from coconet.files import existing_file
from coconet.runtime.frame import STILL, Frame, StampKind

_HEAD = ("index", "timestamp_ns", "stamps", "name")

_END = "end"


@dataclass(frozen=True)
class Stamp:
    """What a frame is beside its pixels; timestamp_ns counts from the start of the recording."""

    index: int
    timestamp_ns: int
    stamps: StampKind
    name: str


class StampSheet:
    """Writes stamps as CSV: a heading, a line a frame, and a last line that says that nothing is missing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="")
        self._table = csv.writer(self._file)
        self._put(_HEAD)

    def add(self, frame: Frame, time_ns: int) -> None:
        """Append a frame's stamp, as time_ns since the start of the recording."""
        self._put((frame.index, time_ns, frame.stamps, frame.name))

    def close(self, *, whole: bool) -> None:
        """Close the file; `whole` says that every frame is in the video. A second call does nothing."""
        if not self._file.closed:
            if whole:
                self._put((_END,))
            self._file.close()

    def _put(self, row: tuple[object, ...]) -> None:
        self._table.writerow(row)
        self._file.flush()


def read_stamps(path: Path) -> tuple[list[Stamp], bool]:
    """Read a sheet, and whether it was closed as whole; a line that was cut off is left out.

    Raises CoconetError for a file that is no such sheet.
    """
    rows = list(csv.reader(existing_file(path, "the stamps of a recording").read_text().splitlines()))
    if not rows or tuple(rows[0]) != _HEAD:
        raise CoconetError(
            path,
            wanted=f"a table headed {','.join(_HEAD)}",
            got=",".join(rows[0]) if rows else "an empty file",
            remedy="Copy the whole folder of the recording again.",
        )
    whole = rows[-1] == [_END]
    return [_stamp(row, path) for row in rows[1:] if len(row) == len(_HEAD)], whole


def _stamp(row: list[str], path: Path) -> Stamp:
    index, time_ns, stamps, name = row
    if not index.isdigit() or not time_ns.lstrip("-").isdigit() or stamps not in get_args(StampKind):
        raise CoconetError(
            path, wanted="a number, a time and a kind of stamp", got=",".join(row), remedy="Restore the file."
        )
    kind: StampKind = next(kind for kind in get_args(StampKind) if kind == stamps)
    return Stamp(int(index), int(time_ns), kind, name)


STAMPS_SUFFIX = ".stamps.csv"


def stamps_beside(video: Path) -> Path:
    """Where the stamps of a lossless video are."""
    return video.with_suffix(STAMPS_SUFFIX)


class RecordedCamera:
    """One side of a recording; frames_expected: the frames that have a stamp.

    interrupted: whether the recording ended with a crash or a full disk; it is then given up to where it is whole.
    """

    realtime = False

    def __init__(self, video: Path) -> None:
        """Open a video that has its stamps beside it. Raises CoconetError where either is missing or no such file."""
        from coconet.media.lossless_video import RawVideoReader

        stamps, whole = read_stamps(stamps_beside(video))
        self.name, self.frames_expected, self.interrupted = str(video), len(stamps), not whole
        self._stamps, self._given = iter(stamps), 0
        self._reader = RawVideoReader(video)
        self._pictures = iter(self._reader)

    def read(self) -> Frame | None:
        """The next frame, with its index, its name and its time since the recording began.

        Raises CoconetError where a recording that was closed as whole has fewer pictures than stamps.
        """
        stamp = next(self._stamps, None)
        pixels = None if stamp is None else next(self._pictures, None)
        if stamp is None or (pixels is None and self.interrupted):
            return None
        if pixels is None:
            raise CoconetError(
                self.name,
                wanted=f"{self.frames_expected} pictures, one for each stamp",
                got=f"damage or an end after picture {self._given}",
                remedy="Copy the recording again; `coconet run` needs all of it.",
            )
        self._given += 1
        stamps: StampKind = STILL if stamp.stamps == STILL else "recording"
        return Frame(pixels, stamp.timestamp_ns, stamp.index, stamp.name, stamps)

    def close(self) -> None:
        """Close the video."""
        self._reader.close()
