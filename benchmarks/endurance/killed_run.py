"""The hazard of a run that is killed while it records, and of the run after it."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from coconet.benchmarks.endurance.hazards import RigFault, count_frames
from coconet.files import unfinished

_CAMERAS = (
    "--visible",
    "synthetic://?fps=10&width=160&height=120",
    "--infrared",
    "synthetic://?fps=10&width=160&height=120",
)

_END_S = 60.0

_FRAMES = 3  # of the run after a kill

_BEGIN_S, _AGAIN_S = 180.0, 180.0  # on a busy machine it takes a while to start a Python with everything imported


class KilledRun:
    """A second run, of a synthetic rig, records a video and is killed; noticed when its unfinished video is there.

    Whole when a run of the same name has made a video of what was left, and one of its own.
    """

    fault: RigFault = "killed"
    side = None
    recover_s = _AGAIN_S

    def __init__(self, folder: Path) -> None:
        self._folder, self._video = folder, folder / "second.mp4"
        self._words = ["run", *_CAMERAS, "--model", "average", "--out", str(self._video)]
        self._run: subprocess.Popen[bytes] | None = None
        self._again: subprocess.Popen[bytes] | None = None

    def inject(self) -> None:
        """Start the run, and wait for the first part of its video."""
        self._run = self._started(self._words)
        end_s = time.monotonic() + _BEGIN_S
        while not self._left_bytes() and self._run.poll() is None and time.monotonic() < end_s:
            time.sleep(0.1)

    def noticed(self) -> bool:
        """Whether there is something of the video."""
        return bool(self._left_bytes())

    def clear(self) -> None:
        """Kill the run, and start it again, for a few frames."""
        if self._run is not None:
            self._run.kill()
            self._run.wait(_END_S)
        self._again = self._started([*self._words, "--frames", str(_FRAMES)])

    def lacks(self) -> str:
        """Whether the second one has not ended well, or one of both videos has no frames."""
        code = None if self._again is None else self._again.poll()
        if code != 0:
            return "the next run has not ended" if code is None else f"the next run ended with {code}"
        recovered = self._video.with_stem(f"{self._video.stem}-recovered")
        counts = {video.name: count_frames(video) for video in (recovered, self._video)}
        if counts[recovered.name] and counts[self._video.name] == _FRAMES:
            return ""
        return f"frames by video: {counts}; files: {', '.join(sorted(path.name for path in self._folder.iterdir()))}"

    def close(self) -> None:
        """End both runs, and remove the videos."""
        for process in (self._run, self._again):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(_END_S)
        self._run = self._again = None
        for path in self._folder.glob(f"{self._video.stem}*"):
            path.unlink()

    def _left_bytes(self) -> int:
        with suppress(FileNotFoundError):
            return unfinished(self._video).stat().st_size
        return 0

    def _started(self, words: list[str]) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", "coconet", *words], stdin=quiet, stdout=quiet, stderr=quiet
        )
