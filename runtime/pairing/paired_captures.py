"""Paired captures: two cameras read ahead in threads, their stamps corrected, and what became of every frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Condition, Event, Thread, current_thread
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import OTHER_SIDE, Frame, FramePair, Side
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.pairing.capture import Capture, CaptureOptions
from coconet.runtime.pairing.frame_fates import FrameFates
from coconet.runtime.pairing.nearest import Pairer, Pairs, Reason, Tell
from coconet.runtime.pairing.paced import PacedPairer
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts, Unpaired
from coconet.runtime.threads.process_end import Stage, note_closed, note_open

if TYPE_CHECKING:
    from typing_extensions import Self

DEPTH = 8
"""Frames read ahead: long enough at 60 fps to span a 9 Hz period, short enough not to hold old pictures."""

_CALM_NS = 500_000_000

Policy = Literal["drop", "hold", "thermal"]
"""drop: every frame is used at most once, so the slower camera sets the pace. hold: the faster camera does, and the
slower one's picture is shown again until its next. thermal: the infrared camera does, whichever it is."""


@dataclass(frozen=True)
class Pairing:
    """How frames are paired.

    tolerance_ns: the largest gap in a pair; None means what suits the policy and the periods.
    visible_offset_ns, infrared_offset_ns: added to the stamps of a side before pairing.
    """

    tolerance_ns: int | None = None
    visible_offset_ns: int = 0
    infrared_offset_ns: int = 0
    policy: Policy = "drop"

    def pairer(self, *, prompt: bool, tell: Tell) -> Pairs:
        """Make a pairer of this policy; prompt: for live cameras. tell: called with each frame that it drops."""
        if self.policy == "drop":
            return Pairer(self.tolerance_ns, prompt=prompt, tell=tell)
        pacer: Side | None = "infrared" if self.policy == "thermal" else None
        return PacedPairer(pacer, self.tolerance_ns, prompt=prompt, tell=tell)


class PairedCaptures:
    """Reads two cameras inside its block, hands their frames to a pairer, and closes them after the block.

    realtime: whether the cameras are live, so that frames are dropped rather than waited for.
    frames_expected: the length of the shorter of two recordings; None if either length is not known.
    pairer: takes the frames and gives the pairs; another one once an offset has changed. unfinished: the sides that
    may still give frames. cut_short: whether reading was stopped before the pairs had ended: what still waits then has
    lost nothing. sources: the names of the cameras, visible first.
    """

    def __init__(
        self,
        visible: Camera,
        infrared: Camera,
        pairing: Pairing | None = None,
        care: Mapping[Side, CaptureOptions] | None = None,
    ) -> None:
        """Prepare to read two open cameras; a side without `care` ends with its camera, and raises its errors.

        Raises CoconetError if only one of them is realtime, because their stamps have no common clock.
        """
        _check_alike(visible, infrared)
        pairing, care = pairing or Pairing(), care or {}
        self.realtime = visible.realtime
        self._expected: dict[Side, int | None] = {"visible": _length(visible), "infrared": _length(infrared)}
        self.frames_expected = None if self.realtime else _shorter(self._expected.values())
        self._pairing = pairing
        self._fates: dict[Side, FrameFates] = {"visible": FrameFates(), "infrared": FrameFates()}
        self.pairer = self._new_pairer()
        self._offsets: dict[Side, int] = {
            "visible": pairing.visible_offset_ns,
            "infrared": pairing.infrared_offset_ns,
        }
        self._wanted_offsets = dict(self._offsets)
        self._started_over_ns: int | None = None
        self._changed = Condition()
        cameras: dict[Side, Camera] = {"visible": visible, "infrared": infrared}
        self._captures = {
            side: Capture(camera, DEPTH, self._changed, care.get(side)) for side, camera in cameras.items()
        }
        self.unfinished = set(self._captures)
        self.cut_short = False
        self._exit: ExitStack | None = None
        self._used = False
        self._owner: Thread | None = None

    def __enter__(self) -> Self:
        if self._used:
            used = "one that was used before"
            raise _wrong_moment("a rig that was just opened", used, "Open the rig again.", "can be entered only once")
        self._used = True
        with ExitStack() as stack:  # runs at once if a start fails, at the end of our block if not
            for capture in self._captures.values():
                stack.callback(capture.close)
                stack.enter_context(capture)
            for capture in self._captures.values():
                stack.callback(capture.ask_to_stop)  # both, before either is waited for
            self._exit = stack.pop_all()
        self._owner = current_thread()
        note_open(self, Stage.PAIRS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leaving, self._exit = self._exit, None
        if leaving is not None:
            leaving.close()
        self.cut_short = self.cut_short or not self.pairer.finished
        self.pairer.flush(stopped=self.cut_short)
        note_closed(self, Stage.PAIRS)

    def end_within(self, patience_s: float) -> None:
        """Let the pairs end, and with them the thread that takes them; close the cameras if it does not."""
        for capture in self._captures.values():
            capture.ask_to_stop()
        if self._owner is not None and self._owner is not current_thread() and self._owner.is_alive():
            self._owner.join(patience_s)
        self.__exit__(None, None, None)

    def check_entered(self) -> None:
        """Raise CoconetError before the block and after it, when nothing is read."""
        if self._exit is None:
            remedy, says = "Iterate inside the with block.", "are closed, or not entered yet"
            raise _wrong_moment("an open rig", "one that is closed or not entered", remedy, says)

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; after the block, read = paired + dropped + left_over."""
        return StreamCounts(self._count("visible"), self._count("infrared"))

    def health(self) -> tuple[CameraHealth | None, CameraHealth | None]:
        """How the visible and the infrared camera are now; None for a side without care."""
        return self._captures["visible"].health(), self._captures["infrared"].health()

    def set_offset(self, side: Side, offset_ns: int) -> None:
        """Add this to the stamps of a side once pairing has started over; any thread may ask."""
        self._wanted_offsets[side] = offset_ns

    def start_over(self, now_ns: int | None = None) -> bool:
        """After a change of an offset, drop what waits and pair afresh; whether that was so.

        Stamps before and after the change have no order in common: a pairer that knew both would wait until the later
        ones are reached again. now_ns: of live cameras, for which this happens at most twice a second, so that offsets
        that change all the time leave time for pairs.
        """
        wanted, last_ns = dict(self._wanted_offsets), self._started_over_ns
        if wanted == self._offsets or (now_ns is not None and last_ns is not None and now_ns - last_ns < _CALM_NS):
            return False
        self._offsets, self._started_over_ns = wanted, now_ns
        self.pairer = self._new_pairer()
        for side in self._captures.keys() - self.unfinished:
            self.pairer.end(side)
        return True

    def ready(self, side: Side) -> bool:
        """Whether `take` would return at once: a frame, an error or the end of the side is there."""
        return self._captures[side].ready

    @property
    def all_taken(self) -> bool:
        """Whether no side that may still give frames has one ready."""
        return not any(self.ready(side) for side in self.unfinished)

    def wait(self, seconds: float) -> None:
        """Wait until a side is ready, at most this long."""
        with self._changed:
            self._changed.wait_for(lambda: not self.all_taken, seconds)

    def take(self, side: Side, now_ns: int = 0, stop: Event | None = None) -> Frame | None:
        """Hand the next frame of a side to the pairer, and give it; None at the side's end.

        now_ns: the time, as the clock of live cameras gives it. stop: ends the wait, and with it the pairs: None then
        says nothing about the side. Raises what the camera raised.
        """
        frame = self._captures[side].take(stop)
        if frame is None and (self._captures[side].stopping or (stop is not None and stop.is_set())):
            self.cut_short = True
            return None
        if frame is None:
            self.unfinished.discard(side)
            self.pairer.end(side)
            return None
        shifted_ns = frame.timestamp_ns + self._offsets[side]
        order = self._fates[side].take(shifted_ns)
        frame = dataclasses.replace(frame, timestamp_ns=shifted_ns, order=order)
        self.pairer.push(side, frame, now_ns)
        return frame

    def note_paired(self, pair: FramePair) -> None:
        """Count the frames of a pair that came out; a frame that is held over several pairs counts once."""
        frames: dict[Side, Frame] = {"visible": pair.visible, "infrared": pair.infrared}
        for side, frame in frames.items():
            if side not in pair.missing:
                self._fates[side].come_out(frame)

    def _new_pairer(self) -> Pairs:
        def tell(side: Side, frame: Frame, reason: Reason) -> None:
            self._fates[side].drop(frame, reason)

        return self._pairing.pairer(prompt=self.realtime, tell=tell)

    def _count(self, side: Side) -> CameraCount:
        """What became of one side's frames: each of them has come out, was dropped for one reason, or still waits."""
        capture, fates = self._captures[side], self._fates[side]
        read, paired, reasons = capture.read, fates.came_out, fates.dropped()
        waiting = capture.waiting + fates.open_among(self.pairer.waiting(side))
        rest = read - paired - sum(reasons.values()) - waiting  # never handed to the pairer, or to one before
        outlasted = not self.realtime and OTHER_SIDE[side] not in self.unfinished
        why_rest = "after_end" if outlasted else "stopped" if self.cut_short else "missing"
        reasons["late" if self.realtime else why_rest] += max(0, rest)
        left_over = reasons.pop("stopped", 0)
        dropped = sum(reasons.values())
        unread = 0
        if outlasted and side in self.unfinished:
            unread = max(0, (self._expected[side] or 0) - capture.read - capture.damaged)
        why = Unpaired(**dict[str, int](reasons))
        said, decoder = capture.unreadable, capture.decoded_by
        begins_ns = fates.begins_ns
        return CameraCount(read, paired, dropped, why, capture.damaged, unread, decoder, said, begins_ns, left_over)


def _length(camera: Camera) -> int | None:
    """The number of frames of a recording; a camera need not know it."""
    length: int | None = getattr(camera, "frames_expected", None)
    return length


def _shorter(lengths: Iterable[int | None]) -> int | None:
    known = list(lengths)
    return None if None in known else min(length for length in known if length is not None)


def _wrong_moment(wanted: str, got: str, remedy: str, says: str) -> CoconetError:
    return CoconetError("pairs", wanted=wanted, got=got, remedy=remedy, says=says)


def _check_alike(visible: Camera, infrared: Camera) -> None:
    if visible.realtime == infrared.realtime:
        return
    live, replayed = (visible, infrared) if visible.realtime else (infrared, visible)
    raise CoconetError(
        f"{visible.name} and {infrared.name}",
        wanted="two live cameras or two recordings",
        got=f"{live.name} live and {replayed.name} from a recording",
        remedy="To replay the recording as a live camera would, set realtime = true in a rig file, or "
        "realtime=True in Rig.from_addresses.",
        says=f"cannot be paired: {live.name} is live, and {replayed.name} is a recording",
    )
