"""Recordings of alarms: what both cameras gave and what was fused, from some seconds before to some after."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coconet.errors import CoconetError
from coconet.event_log import log_event
from coconet.files import check_place, make_folder, unfinished
from coconet.runtime.alarms.alarm import RecordingTable
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.cameras.recorded import StampSheet
from coconet.runtime.frame import Frame, FusedFrame
from coconet.runtime.rig.edit import write_replay_rig
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.reserve_sink import check_room
from coconet.runtime.threads.queue_thread import Bounds, QueueThread
from coconet.writing.sole_writer import hold_made
from coconet.writing.sources import stamps_beside

if TYPE_CHECKING:
    from typing_extensions import Self

_NAME = re.compile(r"\d{8}T\d{6}-\d{3}Z-.+")

_SIDES = ("visible", "infrared")

_FINISH_S = 60.0  # at the end, for what waits

_LONGEST_S = 600.0
"""Of one recording: an alarm that goes on and off goes on in the next one."""

RECORDING_THREAD = "event"
"""The name of the thread that writes a recording."""

_MB = 10**6


class EventRecorder:
    """Keeps the last seconds in memory, and writes one recording at a time in a thread of its own, inside its block.

    An alarm that begins during a recording goes into that, which then ends after it. written: the recordings so far.
    dropped: frames for which writing was too slow.
    """

    def __init__(
        self,
        table: RecordingTable,
        fields: Mapping[str, Any],
        now_s: Callable[[], float] = time.time,
        reserve_mb: float | None = None,
    ) -> None:
        """Record as `table` says. fields: of the rig file, for the one that replays a recording. now_s: time of day.

        Raises CoconetError for a folder that cannot be one.
        """
        self._table, self._fields, self._now_s, self._reserve_mb = table, dict(fields), now_s, reserve_mb
        self._folder = Path(table.folder)
        check_place(self._folder)
        self._ring: deque[FusedFrame] = deque()
        self._bytes = 0
        self._current: _Recording | None = None
        self._closing: _Recording | None = None
        self.written: list[str] = []
        self.dropped = 0

    @property
    def remembered_mb(self) -> float:
        """How much memory the time before the next alarm takes now."""
        return self._bytes / _MB

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for recording in (self._closing, self._current):
            if recording is not None:
                recording.finish(_FINISH_S)

    def note(self, frame: FusedFrame) -> None:
        """Take a frame: into the recording that is on, and into memory for the next."""
        current = self._current
        if current is not None:
            if current.takes(frame):
                current.put(frame)
            else:
                current.finish(None)
                self._closing, self._current = current, None
        self._ring.append(frame)
        self._bytes += _bytes_of(frame)
        newest_ns = frame.pair.timestamp_ns
        while len(self._ring) > 1 and (  # the newest stays: a recording begins with it
            newest_ns - self._ring[0].pair.timestamp_ns > self._table.before_s * 1e9
            or newest_ns < self._ring[0].pair.timestamp_ns
            or self._bytes > self._table.most_mb * _MB
        ):
            self._bytes -= _bytes_of(self._ring.popleft())

    def begin(self, event: AlarmEvent, frame: FusedFrame) -> str:
        """Begin a recording with what is in memory, or let the one that is on go on; give the name of its folder.

        Empty if there is no room for one, or the one before is still being written.
        """
        until_ns = frame.pair.timestamp_ns + round(self._table.after_s * 1e9)
        if self._current is not None and not self._current.ended:
            self._current.extend(until_ns, event)
            return self._current.name
        if self._closing is not None and not self._closing.ended:
            log_event("recording", level=logging.WARNING, alarm=event.alarm, trouble="the last one is still written")
            return ""
        now_s = self._now_s()
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now_s))}-{int(now_s * 1e3) % 1000:03d}Z-"
        name += event.alarm.replace(" ", "-")
        before = list(self._ring) or [frame]
        depth = max(8, int(self._table.most_mb * _MB / max(1, _bytes_of(frame))))
        try:
            make_folder(self._folder)
            check_room(self._folder, self._reserve_mb)
            scratch = unfinished(self._folder / name)
            scratch.mkdir()
            lock = hold_made(scratch, self._folder / name)
        except (OSError, CoconetError) as error:
            log_event("recording", level=logging.WARNING, alarm=event.alarm, trouble=str(error))
            return ""
        self._current = _Recording(self._folder / name, before, depth, self._fields, self._note_end)
        self._current.extend(until_ns, event)
        self._current.start(lock)
        return name

    def _note_end(self, recording: _Recording, whole: bool) -> None:
        """Called in the thread of a recording that has ended, whole or not."""
        if whole:
            self.written.append(recording.name)
        self.dropped += recording.dropped
        with suppress(OSError):
            kept = sorted(path for path in self._folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))
            # What a full disk or a kill has left unfinished counts as well; a newer one is being written.
            over = [path for path in kept if path.name <= recording.name or path.suffix != unfinished(path).suffix]
            for path in over[: -self._table.keep]:
                shutil.rmtree(path)


class _Recording:
    """One recording: a folder, the frames of before, and a queue of those that come."""

    def __init__(
        self,
        folder: Path,
        before: list[FusedFrame],
        depth: int,
        fields: Mapping[str, Any],
        on_end: Callable[[_Recording, bool], None],
    ) -> None:
        self.name, self._folder, self._scratch = folder.name, folder, unfinished(folder)
        self._before, self._fields, self._on_end = before, fields, on_end
        self._events: list[AlarmEvent] = []
        self._lock: int | None = None
        self._until_ns = self._began_ns = before[-1].pair.timestamp_ns
        self._queue: QueueThread[FusedFrame | None] = QueueThread(
            self._write, Bounds(depth, "drop newest"), RECORDING_THREAD
        )

    @property
    def ended(self) -> bool:
        return self._queue.ended

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    def start(self, lock: int) -> None:
        """lock: holds the unfinished folder, so that other commands see that it is being written; closed at the end."""
        self._lock = lock
        self._queue.start()

    def extend(self, until_ns: int, event: AlarmEvent) -> None:
        longest_ns = self._began_ns + round(_LONGEST_S * 1e9)
        self._until_ns = min(max(self._until_ns, until_ns), longest_ns)
        self._events.append(event)

    def takes(self, frame: FusedFrame) -> bool:
        return self._began_ns <= frame.pair.timestamp_ns <= self._until_ns

    def put(self, frame: FusedFrame) -> None:
        with suppress(Exception):  # what went wrong was logged in the thread
            self._queue.put(frame)

    def finish(self, patience_s: float | None) -> None:
        """Let the thread write what waits and end; wait for it, if patience_s is given."""
        if patience_s is None:
            self._queue.ask_to_stop()
        else:
            self._queue.stop(patience_s)

    def _write(self, queue: QueueThread[FusedFrame | None]) -> None:
        whole = False
        try:
            whole = self._written(queue)
        finally:
            if self._lock is not None:
                os.close(self._lock)
            self._on_end(self, whole)

    def _written(self, queue: QueueThread[FusedFrame | None]) -> bool:
        """Write the recording; whether it is whole."""
        writer: _FolderWriter | None = None
        try:
            (self._scratch / "rig.toml").write_text(write_replay_rig(self._fields), encoding="utf-8")
            writer = _FolderWriter(self._scratch)
            for frame in self._before:
                writer.write(frame)
            self._before.clear()
            while (newer := queue.take()) is not None:
                writer.write(newer)
            writer.close()
            own = (replace(event, recording=self.name) for event in self._events)
            events = ",\n".join(event.to_json() for event in own)
            (self._scratch / "events.json").write_text(f"[\n{events}\n]\n", encoding="utf-8")
            self._scratch.rename(self._folder)
            if writer.frames == 1:
                trouble = "it holds a single pair: none came within before_s before the alarm, or after_s after it"
                log_event("recording", level=logging.WARNING, folder=str(self._folder), trouble=trouble)
        except (OSError, CoconetError) as error:
            log_event("recording", level=logging.ERROR, folder=str(self._scratch), trouble=str(error))
            if writer is not None:
                writer.abandon()
            return False
        return True


class _FolderWriter:
    """The files of a recording: both raw streams without loss, their stamps, and the fused stream."""

    def __init__(self, folder: Path) -> None:
        from coconet.media.encoding.encoder_choice import EncoderChoice
        from coconet.media.lossless_video import RawVideoWriter

        videos = {side: folder / f"{side}.mkv" for side in _SIDES}
        self._writers = {side: RawVideoWriter(video) for side, video in videos.items()}
        self._sheets = {side: StampSheet(stamps_beside(video)) for side, video in videos.items()}
        self._fused = open_sink(str(folder / "fused.mp4"), None, EncoderChoice("auto"))
        self._last_ns: dict[str, int] = {}
        self._origin_ns: int | None = None
        self.frames = 0

    def write(self, frame: FusedFrame) -> None:
        pair = frame.pair
        self.frames += 1
        both = zip(_SIDES, (pair.visible, pair.raw_infrared or pair.infrared), strict=True)
        there = [(side, one) for side, one in both if side not in pair.missing]
        if self._origin_ns is None and there:
            self._origin_ns = min(one.timestamp_ns for _, one in there)
        for side, one in there:
            if one.timestamp_ns > self._last_ns.get(side, -(2**62)):
                self._write_side(side, one)
        self._fused.write(frame)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        for sheet in self._sheets.values():
            sheet.close(whole=True)
        self._fused.close()

    def abandon(self) -> None:
        """Let go of what takes no more; what is in it stays, in the unfinished folder."""
        for writer in self._writers.values():
            writer.abandon()
        for sheet in self._sheets.values():
            sheet.close(whole=False)
        with suppress(OSError, CoconetError):
            self._fused.discard()

    def _write_side(self, side: str, frame: Frame) -> None:
        """Write a frame; one that is held for several pairs comes here once."""
        self._last_ns[side] = frame.timestamp_ns
        time_ns = max(0, frame.timestamp_ns - (self._origin_ns or 0))
        self._writers[side].write(frame.pixels, time_ns)
        self._sheets[side].add(frame, time_ns)


def _bytes_of(frame: FusedFrame) -> int:
    raw = 0 if frame.pair.raw_infrared is None else frame.pair.raw_infrared.pixels.nbytes
    shown = frame.pair.visible.pixels.nbytes + frame.pair.infrared.pixels.nbytes
    fused = frame.fused.nbytes * (1 if frame.finish is None else 2)  # as it came of the model, and as it is written
    return fused + shown + raw
