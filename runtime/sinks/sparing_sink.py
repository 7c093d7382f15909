"""A sink that finishes its file while the disk still has room, and then lets frames go."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from coconet.errors import CoconetError
from coconet.event_log import log_event
from coconet.files import writing_to
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import Sink

LEAST_FREE_BYTES = 10**9

LEAST_FREE_SHARE = 0.05

_LOOK_S = 1.0


def missing_bytes(folder: Path) -> int:
    """How much less than the reserve is free on the disk of a folder, 0 where there is room.

    The reserve is a gigabyte, or a twentieth of a small disk. Raises CoconetError for a folder that is not there.
    """
    with writing_to(folder):
        disk = shutil.disk_usage(folder)
    return max(0, round(min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * disk.total)) - disk.free)


def check_room(folder: Path) -> None:
    """Raise CoconetError where the reserve of a disk is used up."""
    if missing_bytes(folder):
        raise CoconetError(
            folder,
            wanted=f"{LEAST_FREE_BYTES / 1e9:g} GB free, or {LEAST_FREE_SHARE:.0%} of a small disk",
            got="less",
            remedy="Free space, or name another folder with --captures.",
        )


class SparingSink:
    """Writes into another sink as long as its disk has room. ended: why it writes no more, empty while it does.

    frames: how many were written. A file that is ended early is finished and has its name.
    """

    def __init__(self, sink: Sink, folder: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        """Take over an open sink that writes into `folder`."""
        self.name, self.delivery = sink.name, sink.delivery
        self.ended, self.frames = "", 0
        self._sink, self._folder, self._now_s = sink, folder, now_s
        self._looked_s = now_s()

    def write(self, frame: FusedFrame) -> None:
        """Write a frame, unless the file has been ended."""
        if self.ended:
            return
        now_s = self._now_s()
        if self.frames and now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            if missing_bytes(self._folder):
                self._end()
                return
        self._sink.write(frame)
        self.frames += 1

    def close(self) -> None:
        """Finish the file, unless that has been done."""
        if not self.ended:
            self._sink.close()

    def discard(self) -> None:
        """Drop the file, unless it has been finished."""
        if not self.ended:
            self._sink.discard()

    def _end(self) -> None:
        self._sink.close()
        self.ended = "ended: the disk is nearly full"
        log_event("recording", level=logging.WARNING, file=self.name, frames=self.frames, trouble=self.ended)
