"""What somebody keeps of a running rig: snapshots and recordings in a folder, named by the time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.files import Unwritable, check_place, make_folder, writing_to
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.reserve_sink import DiskRoom, ReserveSink, check_room
from coconet.runtime.sinks.sink import CLIPPED
from coconet.runtime.sinks.video_file import STAMP, recover_leftovers
from coconet.runtime.sinks.writer_thread import SinkThread
from coconet.runtime.viewers.rate_limit import RateLimit, TooOften
from coconet.writing.outputs import check_writable

if TYPE_CHECKING:
    from coconet.media.encoding.encoder import EncoderName
    from coconet.media.encoding.encoder_choice import EncoderChoice

CAPTURES = Path("captures")
"""The folder of a page for which none is named."""

_OURS = re.compile(rf"{STAMP}(-\d+)?\.mp4")

_SIDES = ("fused", "visible", "infrared")


@dataclass(frozen=True)
class ClipState:
    """A recording that is on. frames: written. dropped: given up because writing them took too long.

    trouble: why it writes no more, empty while it does; a file that was ended because the disk is nearly full is whole.
    """

    name: str
    seconds: float
    frames: int
    dropped: int
    trouble: str = ""


@dataclass(frozen=True)
class _Clip:
    """The name of a recording, when it began, the file, and the thread that writes it."""

    name: str
    began_s: float
    file: ReserveSink
    writer: SinkThread

    @property
    def over(self) -> bool:
        """Whether no more frames are written."""
        return bool(self.writer.error or self.file.ended)

    @property
    def state(self) -> ClipState:
        seconds, writer = time.monotonic() - self.began_s, self.writer
        trouble = str(writer.error or self.file.ended)
        return ClipState(self.name, seconds, self.file.frames, writer.dropped, trouble)


class Captures:
    """Writes into a folder, which is made with the first file; not too often, and not until its disk is full."""

    def __init__(
        self,
        folder: Path,
        now_s: Callable[[], float] = time.monotonic,
        reserve_mb: float | None = None,
        encoder: EncoderName = "auto",
    ) -> None:
        """Prepare to write. reserve_mb: how much of the disk stays free, as spare_bytes takes it.

        encoder: what encodes recordings, as EncoderChoice takes it.
        """
        self._encoder = encoder
        self._encoders: EncoderChoice | None = None
        self.folder = folder
        self._now_s, self._reserve_mb = now_s, reserve_mb
        self._snapshots, self._recordings = RateLimit(5, 1.0, now_s), RateLimit(5, 10.0, now_s)
        self._lock = Lock()
        self._clip: _Clip | None = None

    @property
    def recording(self) -> ClipState | None:
        """The recording that is on."""
        clip = self._clip
        return None if clip is None else clip.state

    def note(self, frame: FusedFrame) -> None:
        """Take every frame of the loop; it is written while a recording is on."""
        clip = self._clip
        if clip is not None and not clip.over:
            with suppress(Exception):  # what went wrong shows in `recording`, and comes out of `stop`
                clip.writer.put(frame)

    def snapshot(self, frame: FusedFrame) -> list[str]:
        """Write the fused picture and those of the cameras that are live, as PNG; give the names of the files.

        Raises TooOften for more than five at once and then one per second, and CoconetError for a disk without room.
        """
        from coconet.media.image import write_picture

        pictures = (frame.pixels, frame.pair.visible.pixels, frame.pair.laid_infrared)
        stem, names = self._stem(self._snapshots), []
        for side, pixels in zip(_SIDES, pictures, strict=True):
            if side not in frame.pair.missing:
                names.append(f"{stem}-{side}.png")
                with writing_to(self.folder / names[-1]):
                    write_picture(self.folder / names[-1], pixels)
        return names

    def start(self) -> ClipState:
        """Begin a recording, or go on with the one that is on.

        Raises TooOften for more than five at once and then one per ten seconds, and CoconetError for a disk without
        room.
        """
        with self._lock:
            if self._clip is None:
                name = f"{self._stem(self._recordings)}.mp4"
                recover_leftovers(self.folder, _OURS)
                path, room = str(self.folder / name), DiskRoom(self.folder, "end", self._reserve_mb)
                file = ReserveSink(lambda: open_sink(path, None, self._choice()), path, room, self._now_s, CLIPPED)
                writer = SinkThread(file)
                writer.start()
                self._clip = _Clip(name, time.monotonic(), file, writer)
            return self._clip.state

    def stop(self) -> ClipState | None:
        """Finish the recording. Raises CoconetError if it could not be written, has no frame, or its disk is stuck."""
        with self._lock:
            clip, self._clip = self._clip, None
            if clip is None:
                return None
            clip.writer.close()
            return clip.state

    def _choice(self) -> EncoderChoice:
        from coconet.media.encoding.encoder_choice import EncoderChoice

        self._encoders = self._encoders or EncoderChoice(self._encoder)
        return self._encoders

    def _stem(self, allowance: RateLimit) -> str:
        make_folder(self.folder)
        check_room(self.folder, self._reserve_mb)
        if not allowance.take():
            raise TooOften(
                "captures",
                wanted="fewer new files",
                got="too many at once",
                remedy="Wait a few seconds.",
                says="were asked for too many new files at once",
            )
        now = datetime.now(timezone.utc)
        return f"{now:%Y%m%dT%H%M%S}-{now.microsecond // 1000:03d}Z"


def check_capture_folder(folder: Path) -> None:
    """Refuse a folder that cannot be one or takes no file, before a run rather than at the first snapshot.

    Of CAPTURES, which is taken if no folder is named, a warning says so: a page need not keep anything.
    """
    check_place(folder)
    if folder.exists() and not folder.is_dir():
        raise CoconetError(
            folder,
            wanted="a folder for snapshots",
            got="a file",
            remedy="Name another folder.",
            says="is a file; expected a folder for snapshots",
        )
    try:
        check_writable(folder, made=True)
    except Unwritable:
        if folder != CAPTURES:
            raise
        warn_once(
            f"{folder.absolute()} cannot be written, so the page keeps no snapshots or recordings. "
            "Name a folder that can with --captures."
        )
