"""A recording as a camera: the pixels of a lossless video and the stamps beside it, exactly as they came."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from coconet.errors import CoconetError, counted
from coconet.files import plain_name, read_file
from coconet.runtime.frame import STILL, Frame, StampKind
from coconet.writing.sources import stamps_beside

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
        self._file = path.open("w", newline="", encoding="utf-8", errors="replace")
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
    """Read a sheet, and whether it was closed as whole; a last line that was cut off is left out.

    Raises CoconetError for a file that is no such sheet, and for one with a line that cannot be of this program.
    """
    rows = _rows(path)
    if not rows or tuple(rows[0]) != _HEAD:
        raise _damaged(path, 1, f"a table headed {','.join(_HEAD)}", ",".join(rows[0]) if rows else "an empty file")
    whole = rows[-1] == [_END]
    lines = rows[1:-1] if whole else rows[1:]
    stamps = [_stamp(row, path, number) for number, row in enumerate(lines, 2)]
    names = set[str]()
    for number, stamp in enumerate(stamps, 2):
        if stamp.name in names:  # the results would be written over each other
            raise _damaged(path, number, "a name of its own", stamp.name)
        if stamp.name:
            names.add(stamp.name)
    return stamps, whole


def _rows(path: Path) -> list[list[str]]:
    try:
        text = read_file(path, "the stamps of a recording").decode()
    except UnicodeDecodeError as error:
        raise _damaged(path, 1, "text in UTF-8", f"a byte that is not, number {error.start}") from None
    finished = text[: text.rfind("\n") + 1]  # the last line may have been cut off while it was written
    try:
        return list(csv.reader(io.StringIO(finished, newline=""), strict=True))
    except csv.Error as error:
        raise _damaged(path, 1, "a table", str(error)) from None


_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")

_ROUNDING_NS = 2 * 10**6  # the times in a video are whole milliseconds


def _stamp(row: list[str], path: Path, line: int) -> Stamp:
    wanted = "a number, a time, a kind of stamp and a name"
    if len(row) != len(_HEAD):
        raise _damaged(path, line, wanted, f"{len(row)} fields")
    index, time_ns, stamps, name = row
    kind = next((kind for kind in get_args(StampKind) if kind == stamps), None)
    if kind is None or index.startswith("-") or not all(map(_WHOLE_NUMBER.fullmatch, (index, time_ns))):
        raise _damaged(path, line, wanted, ",".join(row[:3]))
    return Stamp(int(index), int(time_ns), kind, name and plain_name(name, f"{path}, line {line}"))


def _damaged(path: Path, line: int, wanted: str, got: str) -> CoconetError:
    got = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}..."
    says = f"should have {wanted}, but has {got}"
    return CoconetError(
        f"{path}, line {line}",
        wanted=wanted,
        got=got,
        remedy="Copy the whole folder of the recording again.",
        says=says,
    )


_SHOWN = 80  # characters of a line that does not fit


class RecordedCamera:
    """One side of a recording; frames_expected: the frames that have a stamp.

    interrupted: whether the recording ended with a crash or a full disk; it is then given up to where it is whole.
    damaged: how many pictures were left out because they do not decode whole.
    """

    realtime = False

    def __init__(self, video: Path, *, leaves_out_damage: bool = False) -> None:
        """Open a video that has its stamps beside it. Raises CoconetError if either is missing or no such file.

        leaves_out_damage: whether damaged pictures, and those that the video lacks, are counted instead of raised.
        """
        from coconet.media.lossless_video import RawVideoReader

        stamps, whole = read_stamps(stamps_beside(video))
        self.name, self.frames_expected, self.interrupted = str(video), len(stamps), not whole
        self._stamps, self._given = iter(stamps), 0
        self._leaves_out, self.damaged = leaves_out_damage, 0
        self._reader = RawVideoReader(video)
        self._pictures = self._reader.timed()

    def read(self) -> Frame | None:
        """The next frame, with its index, its name and its time since the recording began.

        Raises CoconetError if a recording that was closed as whole has another number of pictures than of stamps,
        if a picture is damaged, and if it is not the one that its stamp is of: the video has the time of each.
        """
        while True:
            stamp, picture = next(self._stamps, None), next(self._pictures, None)
            if picture is None or stamp is None:
                if not self.interrupted and (picture is not None or stamp is not None):
                    self._leave_out(f"the {'pictures' if picture is None else 'stamps'} end after {self._given}")
                    self.damaged += sum(1 for _ in self._stamps)
                return None
            pixels, time_ns = picture
            if abs(time_ns - max(0, stamp.timestamp_ns)) > _ROUNDING_NS:
                beside = f"a stamp says {stamp.timestamp_ns / 1e9:.3f} s and its picture {time_ns / 1e9:.3f} s"
                raise self._unlike(beside)
            self._given += 1
            if pixels is not None:
                stamps: StampKind = STILL if stamp.stamps == STILL else "recording"
                return Frame(pixels, stamp.timestamp_ns, stamp.index, stamp.name, stamps)
            self._leave_out(f"picture {self._given - 1} is damaged")

    def _leave_out(self, got: str) -> None:
        if not self._leaves_out:
            raise self._unlike(got)
        self.damaged += 1

    def _unlike(self, got: str) -> CoconetError:
        return CoconetError(
            self.name,
            wanted=f"{counted(self.frames_expected, 'picture')}, one for each stamp",
            got=got,
            remedy="Copy the recording again; coconet run and batch take what is whole with --on-error skip.",
            says=f"does not agree with its stamps: {got}",
        )

    def close(self) -> None:
        """Close the video."""
        self._reader.close()
