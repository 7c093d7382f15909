"""Recording a rig: both raw streams without loss, each with its stamps, in a folder that replays as the rig did."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

from coconet.config import read_toml
from coconet.errors import CoconetError, ExitCode, counted, ending_with
from coconet.event_log import note_once
from coconet.files import spare_bytes
from coconet.media.naming.bag_names import MCAP_SUFFIX, split_bag
from coconet.progress.board import working
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.frame import Frame, Side
from coconet.runtime.pairing.capture import Capture
from coconet.runtime.pairing.frame_gaps import FrameGaps
from coconet.runtime.rig.edit import write_replay_rig
from coconet.runtime.rig.open_rig import open_cameras, rig_info
from coconet.runtime.rig.recording_folder import RecordingFolder, RecordingPlace, disk_error
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.reserve_sink import check_room, reserve_in_words
from coconet.runtime.threads.background import Background
from coconet.runtime.threads.queue_thread import result_unless

_FRAMES_AHEAD = 32  # a second at 30 fps for a disk to catch up in

_FINISH_S = 60.0  # at the end, for a slow disk to take the frames that were read


@dataclass(frozen=True)
class RecordedCount:
    """What became of one camera's frames.

    dropped: came, but the disk was behind. missing: never came, as the gaps between the stamps or numbers of the others
    tell. damaged: came torn, or could not be decoded or read.
    """

    written: int
    dropped: int
    missing: int = 0
    damaged: int = 0

    def __str__(self) -> str:
        """Say so, as `11 frames written, 0 dropped, 2 damaged, 4 missing`."""
        damaged = f", {self.damaged} damaged" if self.damaged else ""
        missing = f", {self.missing} missing: the camera left them out" if self.missing else ""
        return f"{counted(self.written, 'frame')} written, {self.dropped} dropped{damaged}{missing}"


class Recorder:
    """A context manager that records two open cameras inside its block and closes them after it.

    Every frame that comes is written; dropped frames are those that came while the disk was more than a second behind.
    The folder gets its name at the end of the block; after an error what was recorded stays in the unfinished one.
    Without a frame of both cameras that is an error; without any frame nothing is left.
    """

    def __init__(
        self, visible: Camera, infrared: Camera, out: Path, seconds: float | None = None, rig: Rig | None = None
    ) -> None:
        """Prepare to record into a folder, or an MCAP file; a recording of that name is replaced in the end.

        rig: where both cameras are from; an MCAP file has CameraInfo of the lenses that it knows, or its bags do.

        seconds: of cameras that wait to be read, frames are taken up to so long after the first, by their stamps.
        Raises CoconetError if there is anything else of that name, and for a folder that cannot be made.
        """
        self.limit_ns = None if seconds is None else round(seconds * 1e9)
        self._place = _place(out, rig)
        self._origin_ns: int | None = None
        self._lock = Lock()
        self._cameras: dict[Side, Camera] = {"visible": visible, "infrared": infrared}
        self._sides: dict[Side, _SideWriter] = {}
        self._exit: ExitStack | None = None
        self._may_be_empty = False

    def __enter__(self) -> Recorder:
        with ExitStack() as unbegun:
            for camera in self._cameras.values():
                unbegun.callback(camera.close)
            self._begin()
            unbegun.pop_all()  # from here on the captures close them, once no read is under way
        return self

    def _begin(self) -> None:
        self._place.begin()
        with ExitStack() as stack:
            stack.callback(self._place.end)
            try:
                self._sides = {
                    side: _SideWriter(camera, self._place, side, self) for side, camera in self._cameras.items()
                }
            except OSError as error:
                self._place.remove()  # there is nothing in it
                raise disk_error(self._place.path, error.strerror or str(error), kept=False) from error
            for writer in self._sides.values():
                stack.callback(writer.close)
                writer.start()
            self._exit = stack.pop_all()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._exit is None:
            return
        for writer in reversed(self._sides.values()):
            writer.ask_to_stop()
        for writer in self._sides.values():
            writer.close()
        with self._exit:
            if error is None:
                self.check()
                self._keep()

    def end_early(self) -> None:
        """Let the block end without a frame, and leave nothing then; otherwise that is an error."""
        self._may_be_empty = True

    def add_file(self, name: str, text: str) -> None:
        """Lay a text beside the videos."""
        self._place.add_file(name, text)

    def origin_ns(self, frame: Frame) -> int:
        """The zero of time of the recording: the stamp of the first frame of either camera."""
        with self._lock:  # both sides ask, each in its thread
            if self._origin_ns is None:
                self._origin_ns = frame.timestamp_ns
            return self._origin_ns

    @property
    def finished(self) -> bool:
        """Whether both cameras have come to their end, or something has gone wrong, which `check` raises."""
        sides = self._sides.values()
        return all(writer.ended for writer in sides) or any(writer.failed for writer in sides)

    def counts(self) -> dict[Side, RecordedCount]:
        """How many frames of each side were written and dropped."""
        return {side: writer.count for side, writer in self._sides.items()}

    def _keep(self) -> None:
        """Give the folder its name, unless a camera has given nothing: such a recording cannot be replayed."""
        silent = [side for side, count in self.counts().items() if not count.written]
        if not silent:
            self._place.keep()
            return
        empty = len(silent) == len(self._sides)
        if empty:
            self._place.remove()
        if not (empty and self._may_be_empty):
            error = CoconetError(
                self._place.path,
                wanted="frames of both cameras",
                got=f"none of the {' and the '.join(silent)} one",
                remedy="Check with coconet run that it gives frames.",
                says=f"was not recorded: no frame came from the {' and the '.join(silent)} camera",
            )
            error.exit_code = ExitCode.CAMERA
            raise error

    def check(self) -> None:
        """Raise what went wrong on either side: a camera that failed, a disk that is full."""
        for writer in self._sides.values():
            writer.check()


class _SideWriter:
    """One camera and the file it goes to; a thread reads the camera and another one writes."""

    def __init__(self, camera: Camera, place: RecordingPlace, side: Side, recorder: Recorder) -> None:
        self._recorder, self._path, self._realtime = recorder, place.path, camera.realtime
        self._capture, self._file = Capture(camera, _FRAMES_AHEAD), place.side(side)
        self._written, self._closed, self._gaps = 0, False, FrameGaps()
        self._error: CoconetError | None = None
        self._thread = Background(self._write_all, f"record {side}")

    @property
    def ended(self) -> bool:
        return not self._thread.running

    @property
    def failed(self) -> bool:
        return self._thread.error is not None

    @property
    def count(self) -> RecordedCount:
        dropped, damaged = self._capture.dropped, self._capture.damaged
        return RecordedCount(self._written, dropped, max(0, self._gaps.missing - dropped - damaged), damaged)

    def start(self) -> None:
        self._capture.start()
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._capture.ask_to_stop()
        self._thread.ask_to_stop()

    def close(self) -> None:
        """Stop, write what has been read, and finish the file; one whose disk is stuck is left as it is."""
        if self._closed:
            return
        self._closed = True
        self.ask_to_stop()
        written = self._thread.stop(_FINISH_S)
        self._capture.stop()
        self._capture.close()
        if not written:
            self._error = disk_error(self._path, f"the disk has been stuck for {_FINISH_S:g} s")
            return
        if self.failed:
            self._file.abandon()
        else:
            self._finish()

    def check(self) -> None:
        error = self._thread.error or self._error
        if error is not None:
            raise error

    def _finish(self) -> None:
        try:
            self._file.finish()
        except OSError as error:
            self._error = disk_error(self._path, error.strerror or str(error))

    def _write_all(self) -> None:
        limit_ns = None if self._realtime else self._recorder.limit_ns
        while (frame := self._taken()) is not None:
            time_ns = frame.timestamp_ns - self._recorder.origin_ns(frame)
            if limit_ns is not None and time_ns >= limit_ns:
                return
            self._write(frame, time_ns)

    def _taken(self) -> Frame | None:
        with ending_with(ExitCode.CAMERA, begun=self._written > 0):
            return self._capture.take()

    def _write(self, frame: Frame, time_ns: int) -> None:
        try:
            with ending_with(ExitCode.OUTPUT):
                self._file.write(frame, time_ns)
        except OSError as error:
            raise disk_error(self._path, error.strerror or str(error)) from error
        self._written += 1
        self._gaps.note(frame)


def _place(out: Path, rig: Rig | None) -> RecordingPlace:
    if out.suffix.lower() == MCAP_SUFFIX:
        from coconet.runtime.ros.recording_bag import RecordingBag

        return RecordingBag(out, {} if rig is None else {side: rig_info(rig, side) for side in ROLES})
    return RecordingFolder(out)


_LOOK_S = 0.1


@dataclass(frozen=True)
class RecordingLimit:
    """When a recording ends by itself.

    seconds: of live cameras those that pass, of recordings, which are read as fast as the disk allows, those of their
    stamps; None is no limit. reserve_mb: how much of the disk stays free, as spare_bytes takes it.
    """

    seconds: float | None = None
    reserve_mb: float | None = None


def record_rig(
    rig: Rig, rig_file: Path | None, folder: Path, limit: RecordingLimit, stop: Event
) -> dict[Side, RecordedCount]:
    """Record until the cameras end, `stop` is set, or the limit is reached; give what became of each side's frames.

    Nothing is left if it is stopped before the first frame, and nothing given before both cameras are open.
    The folder gets a rig.toml with the settings of the file, if there is one, and of `rig` where its front end differs
    from that, whose cameras are the recorded videos.
    Raises CoconetError for what cannot be opened, for a camera that fails, and for a disk without room: before
    anything is begun, and later once the recording, up to then, has its name.
    """
    with ending_with(ExitCode.OUTPUT):
        check_room(folder, limit.reserve_mb)
    own = rig.model_dump(mode="json", exclude_defaults=True)
    fields = own if rig_file is None else read_toml(rig_file, "a rig file")
    text = write_replay_rig({**fields, "infrared": _infrared_keys(rig, fields["infrared"])})
    with ending_with(ExitCode.CAMERA):
        cameras = result_unless(stop, lambda: open_cameras(rig), "open cameras")
    if cameras is None:
        print("stopped", file=sys.stderr)
        return {}
    recorder = Recorder(*cameras, folder, limit.seconds, rig)
    if folder.suffix.lower() != MCAP_SUFFIX and any(split_bag(one.address) for one in (rig.visible, rig.infrared)):
        note_once(f"{folder} counts times from its first frame; --out {folder}.mcap keeps those of the bag.")
    live = any(camera.realtime for camera in cameras)
    until = time.monotonic() + limit.seconds if limit.seconds is not None and live else None
    full = False
    with recorder, working("recording", until and limit.seconds, by_clock=until is not None, endless=live) as work:
        recorder.add_file("rig.toml", text)
        while not (recorder.finished or stop.is_set() or full) and (until is None or time.monotonic() < until):
            stop.wait(_LOOK_S)
            full = spare_bytes(folder, limit.reserve_mb) < 0
            work.update(_line(recorder.counts()))
        if stop.is_set():
            recorder.end_early()
    if full:
        with ending_with(ExitCode.OUTPUT):
            raise _ended_early(folder, recorder.counts(), limit)
    if stop.is_set():
        print("stopped", file=sys.stderr)
    return recorder.counts()


def _ended_early(folder: Path, counts: dict[Side, RecordedCount], limit: RecordingLimit) -> CoconetError:
    written = " and ".join(counted(counts[side].written, f"{side} frame") for side in ROLES)
    return CoconetError(
        folder,
        wanted=reserve_in_words(limit.reserve_mb),
        got="less",
        remedy=f"Free space. The recording up to then, of {written}, is whole and replays.",
        says=f"has less than {reserve_in_words(limit.reserve_mb)}",
    )


def _infrared_keys(rig: Rig, written: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of [infrared] that the file has or that differ from the defaults, with the values of the rig."""
    own = rig.infrared.model_dump(mode="json", exclude_defaults=True)
    return {**rig.infrared.model_dump(mode="json", include=set(written)), **own}


def _line(counts: dict[Side, RecordedCount]) -> str:
    told = (f"{side} {counted(counts[side].written, 'frame')}, {counts[side].dropped} dropped" for side in ROLES)
    return f"recording {'; '.join(told)}"
