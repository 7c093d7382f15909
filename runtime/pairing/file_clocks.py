"""The clocks of files: one that jumps goes on without the jump, and two that begin apart are laid together."""

from __future__ import annotations

import dataclasses
from collections import deque
from operator import lt
from statistics import median

from coconet.event_log import log_event, note_once, warn_once
from coconet.runtime.cameras.camera import Camera, damaged_frames, decoder_of
from coconet.runtime.clock import counts_from_1970
from coconet.runtime.frame import Frame

SECOND_NS = 10**9

_BACK_NS = SECOND_NS
"""A step back by more is a clock that was set back; by less, a frame in the wrong place, which finds no partner."""

_BEHIND = 3
"""This many frames in a row that rise, and are all before one that came earlier, are a clock that was set back too."""

_LEAP_NS, _LEAP_PERIODS = 60 * SECOND_NS, 20
"""A step forward by more than both is a clock that was set forward; what is shorter may be a pause of the camera."""

_USUAL_PERIOD_NS = SECOND_NS // 30

_INTERVALS = 15

_PEEKED = 2  # frames tell where a file begins and its first period


class FileClock:
    """Stands in for a file with a clock of its own, whose stamps go on steadily where that clock jumps.

    jumps: how often that was so. shift_ns: what is added to all stamps, which lays two files together.
    bag_clock: whether the stamps are those of a robot's clock, which both cameras have.
    """

    realtime = False

    def __init__(self, camera: Camera, *, bag_clock: bool = False) -> None:
        """Take over an open file; with `bag_clock` a step forward stays, as it is a pause of both cameras at once."""
        self.bag_clock = bag_clock
        self.name, self.frames_expected = camera.name, getattr(camera, "frames_expected", None)
        self.jumps, self.shift_ns = 0, 0
        self._camera = camera
        self._first_frames: deque[Frame] = deque()
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self._last_ns: int | None = None
        self._bridged_ns = 0
        self._behind: list[int] = []  # the times of the frames since the last that were not later than it

    def peek(self) -> list[Frame]:
        """The first frames, which `read` gives all the same; before the first `read` only."""
        while len(self._first_frames) < _PEEKED and (frame := self._steady()) is not None:
            self._first_frames.append(frame)
        return [self._shifted(frame) for frame in self._first_frames]

    def read(self) -> Frame | None:
        """The next frame; None at the end. Raises what the file raises."""
        frame = self._first_frames.popleft() if self._first_frames else self._steady()
        return None if frame is None else self._shifted(frame)

    def close(self) -> None:
        """Close the file."""
        self._camera.close()

    @property
    def damaged(self) -> int:
        """How many frames the file has left out."""
        return damaged_frames(self._camera)

    @property
    def decoded_by(self) -> str:
        """What decodes the file."""
        return decoder_of(self._camera)

    @property
    def since_1970(self) -> bool:
        """Whether the first stamp is a time since 1970; before the first `read` only."""
        return any(counts_from_1970(frame.timestamp_ns) for frame in self.peek()[:1])

    def begin_at_zero(self) -> None:
        """Let the file begin at 0, beside something that does; before the first `read` only. What is moved is said."""
        frames = self.peek()
        if frames and frames[0].timestamp_ns:
            self.shift_ns -= frames[0].timestamp_ns
            log_event("clock", camera=self.name, shifted_s=self.shift_ns / SECOND_NS)

    def _shifted(self, frame: Frame) -> Frame:
        return dataclasses.replace(frame, timestamp_ns=frame.timestamp_ns + self.shift_ns)

    def _steady(self) -> Frame | None:
        frame = self._camera.read()
        if frame is None:
            return None
        now_ns = frame.timestamp_ns + self._bridged_ns
        if self._last_ns is not None:
            now_ns = self._continued(now_ns, self._last_ns)
        self._last_ns = now_ns if self._last_ns is None else max(now_ns, self._last_ns)
        return dataclasses.replace(frame, timestamp_ns=now_ns)

    def _continued(self, now_ns: int, last_ns: int) -> int:
        """The time of a frame: its own, or as many periods after the last as frames came since the clock jumped."""
        step_ns = now_ns - last_ns
        period_ns = round(median(self._intervals)) if self._intervals else _USUAL_PERIOD_NS
        self._behind = [*self._behind, now_ns] if step_ns <= 0 else []
        set_back = len(self._behind) >= _BEHIND and all(map(lt, self._behind, self._behind[1:]))
        set_forward = step_ns > max(_LEAP_NS, _LEAP_PERIODS * period_ns) and not self.bag_clock
        if not set_back and not set_forward and step_ns >= -_BACK_NS:
            if step_ns > 0:
                self._intervals.append(step_ns)
            return now_ns
        passed_ns = period_ns * (len(self._behind) if set_back else 1)
        self.jumps += 1
        self._behind = []
        self._bridged_ns -= step_ns - passed_ns
        self._log_step(step_ns)
        return last_ns + passed_ns

    def _log_step(self, step_ns: int) -> None:
        told = f"its clock jumps by {step_ns / SECOND_NS:+.1f} s; the frames go on one period after the last"
        log_event("clock", camera=self.name, jumps=self.jumps, trouble=told)
        if self.jumps == 1:
            warn_once(f"{self.name}: {told}.")


def align_starts(visible: FileClock, infrared: FileClock, tolerance_ns: int | None) -> int:
    """Let two files begin at the same moment, if they begin further apart than tolerance_ns; say it, and by how much.

    None is half the slower of the two first periods. A clock that counts from 1970 beside one that does not stays, and
    otherwise the visible one. Gives by how much the infrared stamps were moved against the visible ones.
    """
    starts = [clock.peek() for clock in (visible, infrared)]
    if not all(starts):
        return 0
    gap_ns = starts[1][0].timestamp_ns - starts[0][0].timestamp_ns
    if tolerance_ns is None:
        periods = [frames[1].timestamp_ns - frames[0].timestamp_ns for frames in starts if len(frames) > 1]
        tolerance_ns = max(periods, default=_USUAL_PERIOD_NS) // 2
    if abs(gap_ns) <= tolerance_ns:
        return 0
    if infrared.since_1970 and not visible.since_1970:
        visible.shift_ns = gap_ns
    else:
        infrared.shift_ns = -gap_ns
    when = "after" if gap_ns > 0 else "before"
    note_once(
        f"{infrared.name} begins {abs(gap_ns) / SECOND_NS:.3f} s {when} {visible.name} by clocks that are not one: "
        "both are taken to begin together. --starts stamped keeps their stamps, and coconet offset finds "
        "what is left."
    )
    return -gap_ns
