"""A sink that finishes its file while the disk still has room, and says what it did not write."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coconet.errors import CoconetError, counted
from coconet.event_log import log_event, warn_once
from coconet.files import LEAST_FREE_BYTES, LEAST_FREE_SHARE, spare_bytes
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import WHOLE, Delivery, Sink, files_of

WhenFull = Literal["fail", "end", "resume"]
"""What becomes of the frames once the reserve of the disk is used up. fail: the first one is an error. end: they are
let go. resume: they are let go until there is room again, and then go to a new file."""

_FULL = (errno.ENOSPC, errno.EDQUOT)

_LOOK_S = 1.0

_ROOM_AGAIN = 200 * 10**6
"""Bytes beyond the reserve with which writing begins again, so that it does not end at once."""


def check_room(folder: Path, reserve_mb: float | None = None) -> None:
    """Raise CoconetError if the reserve of a disk, as spare_bytes takes it, is used up."""
    if spare_bytes(folder, reserve_mb) < 0:
        raise _no_room(folder, reserve_mb, "")


def reserve_in_words(reserve_mb: float | None) -> str:
    """How much of a disk stays free."""
    if reserve_mb is None:
        return f"{LEAST_FREE_BYTES / 1e9:g} GB free, or {LEAST_FREE_SHARE:.0%} of a small disk"
    return f"{reserve_mb:g} MB free"


@dataclass(frozen=True)
class DiskRoom:
    """The disk that a sink writes to. reserve_mb: as spare_bytes takes it. when_full: what happens without room."""

    folder: Path
    when_full: WhenFull = "end"
    reserve_mb: float | None = None


class ReserveSink:
    """Writes into another sink as long as its disk has room. ended: why it writes no more, empty while it does.

    frames: how many were written. left_out: how many were let go. A file that is ended is finished and has its name,
    unless the disk was full at once: then it stays as discarding leaves it.
    """

    def __init__(
        self,
        opener: Callable[[], Sink],
        name: str,
        room: DiskRoom,
        now_s: Callable[[], float] = time.monotonic,
        delivery: Delivery = WHOLE,
    ) -> None:
        """Open a sink that writes into the folder of `room`. name: of the output, for errors.

        Raises what opening raises; if there is no room and that is to fail, CoconetError.
        """
        self.name, self.delivery = name, delivery
        self.ended, self.frames, self.left_out = "", 0, 0
        self._opener, self._room, self._now_s = opener, room, now_s
        self._sink: Sink | None = None
        self._files: tuple[str, ...] = ()
        self._broken_off = False
        self._looked_s = now_s()
        if room.when_full == "fail":
            check_room(room.folder, room.reserve_mb)
        if self._spare() < 0:
            self._say_ended()
        else:
            self._sink = opener()

    def write(self, frame: FusedFrame) -> None:
        """Write a frame, or let it go. Raises CoconetError once the reserve is used up, if that is to fail."""
        if self._due():
            if self._sink is not None and self.frames and self._spare() < 0:
                self._end()
            elif self._sink is None and self._room.when_full == "resume" and self._spare() > _ROOM_AGAIN:
                self._sink, self.ended = self._opener(), ""
                log_event("output goes on", file=self.name, left_out=self.left_out)
        if self._sink is None:
            self.left_out += 1
            return
        try:
            self._sink.write(frame)
        except CoconetError as error:  # another program has taken the reserve since the last look
            if self._room.when_full == "fail" or getattr(error.__cause__, "errno", None) not in _FULL:
                raise
            self._break_off(error)
            return
        self.frames += 1

    @property
    def files(self) -> tuple[str, ...]:
        """What was written and is whole, by this sink and by those that it has ended."""
        return tuple(dict.fromkeys([*self._files, *(() if self._sink is None else files_of(self._sink))]))

    def close(self) -> None:
        """Finish the file, unless that has been done."""
        if self._sink is not None:
            self._sink.close()

    def discard(self) -> None:
        """Drop the file, unless it has been finished."""
        if self._sink is not None:
            self._sink.discard()

    @property
    def loss(self) -> str:
        """What was not written, and what became of the rest; empty if everything was."""
        if not self.left_out:
            return ""
        full, kept = ("full", "stays unfinished") if self._broken_off else ("nearly full", "is whole")
        lost = f"not written: {counted(self.left_out, 'frame')}, because the disk was {full}"
        return f"{lost}. What was written before {kept}"

    def _due(self) -> bool:
        """Whether it is time to look at the disk."""
        now_s = self._now_s()
        if now_s - self._looked_s < _LOOK_S:
            return False
        self._looked_s = now_s
        return True

    def _spare(self) -> int:
        return spare_bytes(self._room.folder, self._room.reserve_mb)

    def _end(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close()
            self._files += files_of(sink)
        if self._room.when_full == "fail":
            kept = f" What was fused until then, {counted(self.frames, 'frame')}, is there and whole."
            raise _no_room(self._room.folder, self._room.reserve_mb, kept)
        self._say_ended()

    def _break_off(self, error: CoconetError) -> None:
        """Leave the file as it is on a disk that is full: finishing it would take room, too."""
        sink, self._sink, self._broken_off = self._sink, None, True
        if sink is not None:
            sink.discard()
        self.left_out += 1
        self.ended = "ended: the disk is full"
        log_event("recording", level=logging.WARNING, file=self.name, frames=self.frames, trouble=self.ended)
        warn_once(str(error))

    def _say_ended(self) -> None:
        self.ended = "ended: the disk is nearly full"
        log_event("recording", level=logging.WARNING, file=self.name, frames=self.frames, trouble=self.ended)
        kept = reserve_in_words(self._room.reserve_mb)
        warn_once(f"{self.name} ended after {counted(self.frames, 'frame')}, because its disk has to keep {kept}.")


def _no_room(folder: Path, reserve_mb: float | None, kept: str) -> CoconetError:
    return CoconetError(
        folder,
        wanted=reserve_in_words(reserve_mb),
        got="less",
        remedy=f"Free space, or name another place.{kept}",
        says=f"has less than {reserve_in_words(reserve_mb)}",
    )
