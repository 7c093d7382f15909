"""What somebody keeps of a running rig: snapshots and recordings in a folder, named by the time."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from coconet.errors import CoconetError
from coconet.files import writing_to
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.writer_thread import ClipState, ClipWriter

_SIDES = ("fused", "visible", "infrared")


class Captures:
    """Writes into a folder, which is made with the first file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._recorder: ClipWriter | None = None

    @property
    def recording(self) -> ClipState | None:
        """The recording that is on."""
        recorder = self._recorder
        return None if recorder is None else recorder.state

    def note(self, frame: FusedFrame) -> None:
        """Take every frame of the loop; it is written while a recording is on."""
        recorder = self._recorder
        if recorder is not None:
            recorder.note(frame)

    def snapshot(self, frame: FusedFrame) -> list[str]:
        """Write the fused picture and those of the cameras that are live, as PNG; give the names of the files."""
        from coconet.media.image import write_picture

        pictures = (frame.pixels, frame.pair.visible.pixels, frame.pair.infrared.pixels)
        stem, names = self._stem(), []
        for side, pixels in zip(_SIDES, pictures, strict=True):
            if side not in frame.pair.missing:
                names.append(f"{stem}-{side}.png")
                with writing_to(self.folder / names[-1]):
                    write_picture(self.folder / names[-1], pixels)
        return names

    def start(self) -> ClipState:
        """Begin a recording, or go on with the one that is on."""
        with self._lock:
            if self._recorder is None:
                name = f"{self._stem()}.mp4"
                self._recorder = ClipWriter(open_sink(str(self.folder / name)), name)
            return self._recorder.state

    def stop(self) -> ClipState | None:
        """Finish the recording. Raises CoconetError where it could not be written, or has no frame."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
            return None if recorder is None else recorder.stop()

    def _stem(self) -> str:
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(timezone.utc)
        return f"{now:%Y%m%dT%H%M%S}-{now.microsecond // 1000:03d}Z"


def check_capture_folder(folder: Path) -> None:
    """Refuse a folder that cannot be one, before a run rather than at the first snapshot."""
    if folder.exists() and not folder.is_dir():
        raise CoconetError(folder, wanted="a folder for snapshots", got="a file", remedy="Name another folder.")
