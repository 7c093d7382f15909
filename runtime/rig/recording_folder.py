"""A recording as a folder: two lossless videos, their stamps and a rig.toml, under an unfinished name until then."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Protocol

from coconet.errors import CoconetError, ExitCode
from coconet.event_log import log_event
from coconet.files import check_place, free_name, unfinished
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.cameras.recorded import StampSheet
from coconet.runtime.frame import Frame, Side
from coconet.writing.recovery import RECOVERED, recovered_beside
from coconet.writing.scratch import lock_unfinished
from coconet.writing.sole_writer import hold_made
from coconet.writing.sources import STAMPS_SUFFIX, stamps_beside


class SideFile(Protocol):
    """Where the frames of one side go."""

    def write(self, frame: Frame, time_ns: int) -> None:
        """Append a frame, time_ns after the recording began. Raises OSError if the disk takes no more."""

    def finish(self) -> None:
        """Finish the file. Raises OSError if the disk takes no more."""

    def abandon(self) -> None:
        """Leave what was written, after an error."""


class RecordingPlace(Protocol):
    """Where a recording goes, unfinished until `keep` gives it its name."""

    path: Path

    def begin(self) -> None:
        """Make it, and hold it. Raises CoconetError if that is not possible."""

    def side(self, side: Side) -> SideFile:
        """What the frames of a side are written to."""

    def add_file(self, name: str, text: str) -> None:
        """Lay a text beside the frames."""

    def keep(self) -> None:
        """Give it its name; a recording that has it is replaced."""

    def remove(self) -> None:
        """Leave nothing."""

    def end(self) -> None:
        """Let go of it, whatever became of it; a second call does nothing."""


class RecordingFolder:
    """A folder that replays as the rig did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._scratch = unfinished(self._target)
        self._lock: int | None = None

    def begin(self) -> None:
        """Make the folder under its unfinished name."""
        self._lock = _make(self._target, self._scratch)

    def side(self, side: Side) -> SideFile:
        """A lossless video with its stamps beside it."""
        return _SideVideo(self._scratch / f"{side}.mkv")

    def add_file(self, name: str, text: str) -> None:
        """Lay a text beside the videos."""
        try:
            (self._scratch / name).write_text(text)
        except OSError as error:
            raise disk_error(self.path, error.strerror or str(error)) from error

    def keep(self) -> None:
        """Give the folder its name."""
        _replace(self._scratch, self._target)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._scratch)

    def end(self) -> None:
        """Release the lock."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


class _SideVideo:
    def __init__(self, video: Path) -> None:
        from coconet.media.lossless_video import RawVideoWriter

        self._writer, self._sheet = RawVideoWriter(video), StampSheet(stamps_beside(video))

    def write(self, frame: Frame, time_ns: int) -> None:
        self._writer.write(frame.pixels, max(0, time_ns))
        self._sheet.add(frame, time_ns)

    def finish(self) -> None:
        whole = False
        try:
            self._writer.close()
            whole = True
        finally:
            self._sheet.close(whole=whole)

    def abandon(self) -> None:
        self._writer.abandon()
        self._sheet.close(whole=False)


_PARTS = re.compile(rf"rig\.toml|({'|'.join(ROLES)})((-\d+)?\.mkv|{re.escape(STAMPS_SUFFIX)})")
"""What a recording consists of."""


def _make(folder: Path, scratch: Path) -> int:
    """Make the folder to record into, and hold it until the handle that this gives is closed.

    What a recording of the same name that broke off has left is given a name of its own, under which it replays.
    """
    check_place(folder)
    recorded = folder.is_dir() and all(_PARTS.fullmatch(path.name) for path in folder.iterdir())
    if os.path.lexists(folder) and not recorded:
        raise CoconetError(
            folder,
            wanted="a free name, or that of a recording",
            got="something else",
            remedy="Choose another name.",
            says="already exists, and is not a recording",
        )
    try:
        _recover(folder, scratch)
        scratch.mkdir(parents=True)
        return hold_made(scratch, folder)
    except OSError as error:
        raise disk_error(folder, error.strerror or str(error), kept=False) from error


def _recover(folder: Path, scratch: Path) -> None:
    if not scratch.exists():
        return
    lock = lock_unfinished(scratch)
    if lock is None:
        raise CoconetError(
            folder,
            wanted="a name that nothing else records to",
            got="one that another recording is written to",
            remedy="Choose another name, or stop that recording.",
            says="is being recorded to by another run",
        )
    os.close(lock)
    videos = [scratch / f"{side}.mkv" for side in ROLES]
    if all(map(_has_frames, videos)):
        found = scratch.rename(free_name(folder, RECOVERED))
        log_event("recording recovered", level=logging.WARNING, folder=str(found))
        left = f"a recording that broke off is {found} now; it replays up to its last second."
        print(f"{left}{recovered_beside(folder)}", file=sys.stderr)
    elif any(video.is_file() and video.stat().st_size for video in videos):
        kept = scratch.rename(unfinished(free_name(folder, "damaged")))
        print(f"a recording that broke off lacks frames of a camera; what there is of it is in {kept}", file=sys.stderr)
    else:
        shutil.rmtree(scratch)


def _has_frames(video: Path) -> bool:
    from coconet.media.lossless_video import RawVideoReader

    try:
        with closing(RawVideoReader(video)) as reader:
            return next(iter(reader), None) is not None
    except CoconetError:
        return False


def _replace(scratch: Path, folder: Path) -> None:
    """Give a recording its name; one that has it, which may be replaced, goes once the new one stands."""
    old = free_name(folder, "replaced") if folder.exists() else None
    if old is not None:
        folder.rename(old)
    scratch.rename(folder)
    if old is not None:
        shutil.rmtree(old)


def disk_error(path: Path, got: str, *, kept: bool = True) -> CoconetError:
    """The error for a disk that takes no more of a recording. kept: whether frames were written before."""
    wanted, remedy = "a disk that takes a recording", "Free space, or choose a place that can be written to."
    if kept:
        wanted = "a disk that takes more"
        place = unfinished(path).name
        remedy = f"What was recorded up to the last second before is in {place} and can be replayed. Free space."
    error = CoconetError(path, wanted=wanted, got=got, remedy=remedy, says=f"cannot be recorded to: {got}")
    error.exit_code = ExitCode.OUTPUT
    return error
