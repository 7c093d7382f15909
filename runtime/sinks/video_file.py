"""Video files as a sink: one, or one after another, with only the newest kept."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import CoconetError, counted, system_reason
from coconet.event_log import log_event
from coconet.files import UNFINISHED, free_name, holds_something, unfinished, writing_to
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import WHOLE

if TYPE_CHECKING:
    from coconet.media.encoding.encoder_choice import EncoderChoice
    from coconet.media.encoding.video_writer import EncoderLost, TimedFrame

_SECOND_NS = 10**9


class _Timeline:
    """Times that increase from frame to frame, also if stamps step back because the offset of a camera was changed."""

    def __init__(self) -> None:
        self._shift_ns, self._step_ns = 0, _SECOND_NS // 30
        self._last_ns: int | None = None

    def time_ns(self, stamp_ns: int) -> int:
        """The time of a frame in the file."""
        now_ns = stamp_ns + self._shift_ns
        if self._last_ns is not None and now_ns <= self._last_ns:
            self._shift_ns += self._last_ns + self._step_ns - now_ns
            now_ns = self._last_ns + self._step_ns
        elif self._last_ns is not None:
            self._step_ns = min(now_ns - self._last_ns, _SECOND_NS)
        self._last_ns = now_ns
        return now_ns


class VideoSink:
    """A video file that plays at the pace of the pairs; it is NAME.unfinished, and plays as well, until it is closed.

    Frames of another size go on in a file of their own: name-2.mp4 and so on, and the one before is finished. So do
    frames after a hardware encoder failed, with the next encoder; those that it held are in the new file.
    """

    delivery = WHOLE

    def __init__(self, path: Path, encoders: EncoderChoice | None = None) -> None:
        """Prepare to write `path`. encoders: what to choose from; no hardware if None."""
        self._first, self.name, self._encoders = path, str(path), encoders
        self._paths = list[Path]()
        self._open(path, _Timeline())

    @property
    def size_bytes(self) -> int:
        """How much of the file is on the disk already."""
        return self._writer.size_bytes

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are whole, in the order of their beginning."""
        return tuple(str(path) for path in dict.fromkeys(self._paths) if path.is_file())

    def fits(self, frame: FusedFrame) -> bool:
        """Whether a frame has the size of those before it."""
        return self._writer.shape in (None, frame.pixels.shape)

    def write(self, frame: FusedFrame) -> None:
        """Append the picture at its pair's time."""
        with self._disk():
            if not self.fits(frame):
                self._writer.close()
                self._open(free_name(self._first), _Timeline())
                height, width = frame.pixels.shape[:2]
                log_event("output goes on", file=str(self._path), because=f"frames of {width}x{height} now")
            time_ns = self._timeline.time_ns(frame.pair.timestamp_ns)
            self._replacing(lambda: self._writer.write(frame.pixels, time_ns))

    def close(self) -> None:
        """Finish the file and give it its name."""
        with self._disk():
            closed = None
            while closed is not self._writer:  # an encoder that fails only now has its pictures in a new file
                closed = self._writer
                self._replacing(closed.close)

    def discard(self) -> None:
        """Leave what was written under its unfinished name; a file that has the final name stays as it is."""
        self._writer.abandon()

    def _open(self, path: Path, timeline: _Timeline) -> None:
        from coconet.media.encoding.video_writer import VideoWriter

        with writing_to(path):
            self._writer = VideoWriter(path, self._encoders)
        self._path, self._timeline = path, timeline
        self._paths.append(path)

    def _replacing(self, step: Callable[[], None]) -> None:
        """Take a step of the writer; where its encoder fails, the next one takes what that held, in a new file."""
        steps = deque([step])
        while steps:
            steps.extendleft(reversed(self._left_of(steps.popleft())))

    def _left_of(self, step: Callable[[], None]) -> list[Callable[[], None]]:
        """Take a step, and give what is to be done again by another encoder."""
        from coconet.media.encoding.video_writer import EncoderLost

        try:
            step()
        except EncoderLost as lost:
            self._go_on(lost)
            return [partial(self._take, frame) for frame in lost.frames]
        return []

    def _take(self, frame: TimedFrame) -> None:
        self._writer.take(frame)

    def _go_on(self, lost: EncoderLost) -> None:
        if self._encoders is not None:
            self._encoders.drop(lost.encoder, lost.reason)
        if lost.begun:
            self._writer.close()
        else:
            self._writer.abandon()  # there is nothing in it, so the name is free again
        if lost.frames:
            self._open(free_name(self._first) if lost.begun else self._path, self._timeline)
            log_event("output goes on", file=str(self._path), because=f"{lost.encoder.name} failed")

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kept = unfinished(self._path)
            plays = f" What was written before is in {kept.name}, which plays." if holds_something(kept) else ""
            reason = system_reason(error, "its encoder has failed")
            raise CoconetError(
                self._path,
                wanted="a disk that takes more",
                got=reason,
                remedy=f"Free space.{plays}",
                says=f"cannot be written: {reason}",
            ) from error


STAMP = r"\d{8}T\d{6}-\d{3}Z"
"""The time in the names of files, as a pattern."""


def recover_leftovers(folder: Path, names: re.Pattern[str]) -> None:
    """Finish the videos of a folder that a kill has left unfinished and whose names fit; each gets the name it has."""
    from coconet.media.encoding.whole_video import recover_video

    for left in sorted(folder.glob(f"*{UNFINISHED}")):
        path = left.with_name(left.name.removesuffix(UNFINISHED))
        if names.fullmatch(path.name) and not path.exists():
            with suppress(CoconetError):  # another run may be writing it; what cannot be read is kept as it is
                recover_video(path, path)


@dataclass(frozen=True)
class Rotation:
    """When a file is full, and how many are kept.

    seconds, megabytes: 0 sets no limit; a megabyte is 10**6 bytes. keep: the oldest files beyond this are deleted,
    also those of runs before; 0 keeps all.
    """

    seconds: float = 0.0
    megabytes: float = 0.0
    keep: int = 0

    def __post_init__(self) -> None:
        bounded = all(0 <= number < math.inf for number in (self.seconds, self.megabytes, self.keep))
        if not bounded or not (self.seconds or self.megabytes):
            raise CoconetError(
                "rotation",
                wanted="a length or a size above 0, and a number of files to keep",
                got=f"{self.seconds:g} s, {self.megabytes:g} MB, {counted(self.keep, 'file')}",
                remedy="For example: --rotate-minutes 10 --keep 144",
                says=f"needs a length or a size above 0 and a number of files to keep, not {self.seconds:g} s, "
                f"{self.megabytes:g} MB and {counted(self.keep, 'file')}",
            )


def kept_files(path: Path) -> list[Path]:
    """The files that rotation has made of `path` and that are whole, oldest first, also those of runs before."""
    ours = _rotated(path)
    return sorted(found for found in path.parent.iterdir() if ours.fullmatch(found.name))


def _rotated(path: Path) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(path.stem)}-{STAMP}(-\d+)?{re.escape(path.suffix)}")  # -2: after a failed encoder


class RotatingSink:
    """Writes `name.mp4` as `name-20260131T235959-000Z.mp4` and so on, by UTC; each has its name once it is full."""

    delivery = WHOLE

    def __init__(self, path: Path, rotation: Rotation, encoders: EncoderChoice | None = None) -> None:
        """Begin the first file, so that a place that cannot be written to is refused at once.

        encoders: what to choose from; no hardware if None.
        """
        self._path, self._rotation, self.name, self._encoders = path, rotation, str(path), encoders
        self._begun_ns: int | None = None
        self._last_name = ""
        self._files = list[str]()
        self._current = self._next()
        recover_leftovers(path.parent, _rotated(path))

    def write(self, frame: FusedFrame) -> None:
        """Append to the file that is open, or begin the next one."""
        now_ns = frame.pair.timestamp_ns
        if self._begun_ns is not None and (self._full(now_ns - self._begun_ns) or not self._current.fits(frame)):
            self.close()
            self._current, self._begun_ns = self._next(), None
        if self._begun_ns is None:
            self._begun_ns = now_ns
        self._current.write(frame)

    def close(self) -> None:
        """Finish the last file."""
        self._current.close()
        self._files += self._current.files
        self._delete_oldest()

    @property
    def files(self) -> tuple[str, ...]:
        """The files of this run that are whole and were not deleted for newer ones."""
        return tuple(name for name in dict.fromkeys(self._files) if Path(name).is_file())

    def discard(self) -> None:
        """Leave the last file, which is not whole, under its unfinished name; those before it stay."""
        self._current.discard()

    def _full(self, length_ns: int) -> bool:
        rotation = self._rotation
        long = length_ns < 0 or 0 < rotation.seconds <= length_ns / _SECOND_NS
        return long or 0 < rotation.megabytes * 1e6 <= self._current.size_bytes

    def _next(self) -> VideoSink:
        name = self._last_name
        while name == self._last_name:  # two files within a millisecond: the second waits for the next one
            now = datetime.now(timezone.utc)
            stamp = f"{now:%Y%m%dT%H%M%S}-{now.microsecond // 1000:03d}Z"
            name = f"{self._path.stem}-{stamp}{self._path.suffix}"
        self._last_name = name
        return VideoSink(self._path.with_name(name), self._encoders)

    def _delete_oldest(self) -> None:
        if not self._rotation.keep:
            return
        for path in kept_files(self._path)[: -self._rotation.keep]:
            path.unlink(missing_ok=True)
