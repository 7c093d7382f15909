"""A recording session: a rig's cameras opened, recorded with a progress line, and the rig file laid beside them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console

from coconet.toml_file import read_toml
from runtime.camera import ROLES
from runtime.frame import Side
from runtime.recorder import RecordedCount, Recorder
from runtime.rig import Rig, open_cameras
from runtime.rig_text import replayed_rig

_LOOK_S = 0.1


def record_rig(rig: Rig, rig_file: Path, folder: Path, seconds: float | None) -> dict[Side, RecordedCount]:
    """Record until the cameras end, Ctrl-C, or so many seconds; give what became of each side's frames.

    The folder gets a rig.toml with the same settings, whose cameras are the recorded videos.
    Raises CoconetError for what cannot be opened, for a camera that fails, and for a disk that is full.
    """
    text = replayed_rig(read_toml(rig_file, "a rig file"))
    visible, infrared = open_cameras(rig)
    recorder = Recorder(visible, infrared, folder)
    until = None if seconds is None else time.monotonic() + seconds
    with recorder, Console(stderr=True).status("recording ...") as status:
        recorder.add_file("rig.toml", text)
        try:
            while not recorder.finished and (until is None or time.monotonic() < until):
                time.sleep(_LOOK_S)
                status.update(_line(recorder.counts()))
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    return recorder.counts()


def _line(counts: dict[Side, RecordedCount]) -> str:
    told = (f"{side} {counts[side].written} frames, {counts[side].dropped} dropped" for side in ROLES)
    return f"recording: {'; '.join(told)}"
