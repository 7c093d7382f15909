"""Hazards: faults that a soak injects into a rig, with what shows that they are there, and that they are over."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from coconet.benchmarks.endurance.faults import Fault, Injector
from coconet.errors import CoconetError
from coconet.media.video import VideoReader
from coconet.runtime.frame import Side
from coconet.runtime.loop.liveness import rig_trouble
from coconet.runtime.viewers.live_page import LivePage
from coconet.runtime.viewers.rate_limit import TooOften
from coconet.runtime.viewers.snapshots import ClipState

RigFault = Literal["disk full", "settings storm", "stalled viewers", "killed"]
"""disk full: no file grows any more. settings storm: twenty changes a second, half of which do not fit. stalled
viewers: connections that ask and never read, and requests that never end. killed: a second run, which records, is
ended by SIGKILL."""


class Hazard(Protocol):
    """A fault that a soak injects and clears."""

    @property
    def fault(self) -> Fault | RigFault:
        """Which one."""

    @property
    def side(self) -> Side | None:
        """The camera whose fault it is; None if it is none of a camera."""

    @property
    def recover_s(self) -> float:
        """At least how long the rig has to be whole again, whatever the plan says."""

    def inject(self) -> None:
        """Begin; may wait until there is something to disturb."""

    def noticed(self) -> bool:
        """Whether the fault shows; called again and again while it is on."""

    def clear(self) -> None:
        """End it."""

    def lacks(self) -> str:
        """What it disturbed, beside the loop, that is not as it was; empty once all is. Called again and again."""

    def close(self) -> None:
        """Let go of what is still open."""


class CameraHazard:
    """A fault of one camera; it is noticed when the page says so, or shows pictures of another size."""

    recover_s = 0.0

    def __init__(self, injector: Injector, side: Side, fault: Fault, page: LivePage) -> None:
        self.fault, self.side = fault, side
        self._injector, self._page = injector, page
        self._shape: tuple[int, ...] = ()

    def inject(self) -> None:
        """Set the fault."""
        self._shape, self._injector.fault = self._picture_shape(), self.fault

    def noticed(self) -> bool:
        """Whether a camera is not live, or the fused picture has changed its size."""
        return bool(rig_trouble(self._page.view.gauge.vitals())) or self._picture_shape() != self._shape

    def clear(self) -> None:
        """Take the fault away."""
        self._injector.fault = None

    def lacks(self) -> str:
        """Whether fused pictures have another size still."""
        shape = self._picture_shape()
        return "" if shape == self._shape else f"pictures of shape {shape} and not {self._shape}"

    def close(self) -> None:
        """Take the fault away."""
        self._injector.fault = None

    def _picture_shape(self) -> tuple[int, ...]:
        posted = self._page.view.board.newest
        return () if posted is None else posted.frame.pixels.shape


_MOST_FILE_BYTES = 4096


class DiskFull:
    """No file of this process grows beyond a few bytes, as the operating system is told (RLIMIT_FSIZE).

    Noticed when the page's recording says so. Whole when what it had recorded is a video, and a new one has frames.
    """

    fault: RigFault = "disk full"
    side = None
    recover_s = 60.0  # the page begins one recording in ten seconds, if many were begun before

    def __init__(self, page: LivePage, folder: Path) -> None:
        self._captures, self._folder = page.view.captures, folder
        self._limits, self._damaged = resource.getrlimit(resource.RLIMIT_FSIZE), ""

    def inject(self) -> None:
        """Set the limit, once a recording has frames."""
        clip, end_s = self._begun(), time.monotonic() + self.recover_s
        while (clip is None or not clip.frames) and time.monotonic() < end_s:
            time.sleep(0.1)
            clip = self._begun()
        self._damaged = "" if clip is None else clip.name
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE_BYTES, self._limits[1]))

    def _begun(self) -> ClipState | None:
        with suppress(TooOften):
            return self._captures.start()
        return None

    def noticed(self) -> bool:
        """Whether the recording has ended."""
        clip = self._captures.recording
        return clip is not None and bool(clip.trouble)

    def clear(self) -> None:
        """Lift the limit, and end the recording, which says what has happened."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        with suppress(CoconetError):
            self._captures.stop()

    def lacks(self) -> str:
        """Whether a new recording does not grow yet, or the one before is no video of some frames."""
        clip = self._begun()
        if clip is None or not clip.frames:
            return "no new recording grows"
        return "" if count_frames(self._folder / self._damaged) else f"no frame of {self._damaged} can be read"

    def close(self) -> None:
        """Lift the limit."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


def count_frames(video: Path) -> int:
    """How many frames of a video can be read; 0 if there is none, or none that can be read to its end."""
    try:
        with VideoReader(video) as reader:
            return sum(1 for _ in reader)
    except CoconetError:
        return 0
