"""Pairs out of two cameras: both are read in threads, paired by time and prepared for a backend."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Condition
from types import TracebackType
from typing import Literal, TypeVar

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import Frame, FramePair, Side
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.pairing.capture import Capture
from coconet.runtime.pairing.nearest import Pairer, Pairs
from coconet.runtime.pairing.paced import PacedPairer

DEPTH = 8
"""Frames read ahead: long enough at 60 fps to span a 9 Hz period, short enough not to hold old pictures."""

Policy = Literal["drop", "hold", "thermal"]
"""drop: every frame is used at most once, so the slower camera sets the pace. hold: the faster camera does, and the
slower one's picture is shown again until its next. thermal: the infrared camera does, whichever it is."""

Prepare = Callable[[FramePair], FramePair]

Stream = TypeVar("Stream", bound="PairStream")


@dataclass(frozen=True)
class CameraCount:
    """What became of one camera's frames: those read, those that came out in a pair, those that did not."""

    read: int
    paired: int
    dropped: int


@dataclass(frozen=True)
class StreamCounts:
    """What became of both cameras' frames."""

    visible: CameraCount
    infrared: CameraCount


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

    def pairer(self, *, prompt: bool) -> Pairs:
        """Make a pairer of this policy; prompt: for live cameras."""
        if self.policy == "drop":
            return Pairer(self.tolerance_ns, prompt=prompt)
        return PacedPairer("infrared" if self.policy == "thermal" else None, self.tolerance_ns, prompt=prompt)


class PairStream:
    """A context manager and iterator of FramePair, which reads both cameras inside its block and closes them after it.

    It gives every pair of two recordings, in order; runtime/pairing/live_pair_stream.py does the same for live cameras.

    realtime: which of the two it is. frames_expected: how many pairs will come, where both cameras know their length.
    drift_px: how far the alignment seems to be off, None while nobody looks.
    front_end: what infrared pictures go through, None before the first.
    """

    realtime = False

    def __init__(
        self, visible: Camera, infrared: Camera, pairing: Pairing | None = None, prepare: Prepare | None = None
    ) -> None:
        """Join two open cameras; `prepare` is applied to every pair that comes out.

        Raises CoconetError where only one of them is realtime, because their stamps have no common clock.
        """
        _check_alike(visible, infrared)
        self._pairing, self._prepare = pairing or Pairing(), prepare
        self._offsets: dict[Side, int] = {
            "visible": self._pairing.visible_offset_ns,
            "infrared": self._pairing.infrared_offset_ns,
        }
        self._changed = Condition()
        cameras: dict[Side, Camera] = {"visible": visible, "infrared": infrared}
        self._captures = {side: self._capture(side, camera) for side, camera in cameras.items()}
        self.frames_expected = self._length(visible, infrared)
        self._unfinished = set(self._captures)
        self._pairer = self._pairing.pairer(prompt=self.realtime)
        self._paired: dict[Side, int] = {"visible": 0, "infrared": 0}
        self._last_stamp: dict[Side, int] = {}
        self._exit: ExitStack | None = None
        self.drift_px: Callable[[], float | None] = lambda: None
        self.front_end: Callable[[], FrontEnd | None] = lambda: None

    def __enter__(self: Stream) -> Stream:
        with ExitStack() as stack:  # runs at once if a start fails, at the end of our block if not
            for capture in self._captures.values():
                stack.callback(capture.close)
                stack.enter_context(capture)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exit is not None:
            self._exit.close()
        self._pairer.flush()

    def __iter__(self) -> Iterator[FramePair]:
        """Give pairs until a camera ends. Raises what a camera raised, and what `prepare` raises."""
        if self._exit is None:
            raise RuntimeError("a PairStream gives pairs inside its with block")
        return (self._prepared(pair) for pair in self._pairs())

    def set_offset(self, side: Side, offset_ns: int) -> None:
        """Add this to the stamps of a side from its next frame on."""
        self._offsets[side] = offset_ns

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; after the block, of all of them: read = paired + dropped."""
        return StreamCounts(self._count("visible"), self._count("infrared"))

    def health(self) -> tuple[CameraHealth | None, CameraHealth | None]:
        """How the visible and the infrared camera are now; None for recordings, which cannot be late."""
        now_ns = time.monotonic_ns()
        return self._captures["visible"].health(now_ns), self._captures["infrared"].health(now_ns)

    def _capture(self, side: Side, camera: Camera) -> Capture:
        return Capture(camera, DEPTH, self._changed)

    def _length(self, *cameras: Camera) -> int | None:
        """The length of the shorter recording; a camera need not know its own, so it may be None."""
        lengths: list[int | None] = [getattr(camera, "frames_expected", None) for camera in cameras]
        known = [length for length in lengths if length is not None]
        return min(known) if len(known) == len(lengths) else None

    def _count(self, side: Side) -> CameraCount:
        capture, paired = self._captures[side], self._paired[side]
        unsettled = capture.waiting + self._pairer.waiting(side)
        return CameraCount(capture.read, paired, capture.read - paired - unsettled)

    def _pairs(self) -> Iterator[FramePair]:
        while True:
            if (pair := self._pairer.pop()) is not None:
                yield pair
            elif self._pairer.finished:
                return
            else:
                self._take(self._pairer.wants)

    def _prepared(self, pair: FramePair) -> FramePair:
        frames: dict[Side, Frame] = {"visible": pair.visible, "infrared": pair.infrared}
        for side, frame in frames.items():
            if side not in pair.missing and self._last_stamp.get(side) != frame.timestamp_ns:  # held frames count once
                self._last_stamp[side] = frame.timestamp_ns
                self._paired[side] += 1
        if self._prepare is None:
            return pair
        begun = time.perf_counter()
        prepared = self._prepare(pair)
        return dataclasses.replace(prepared, prepare_ms=(time.perf_counter() - begun) * 1e3)

    def _take(self, side: Side, now_ns: int = 0) -> None:
        frame = self._captures[side].take()
        if frame is None:
            self._unfinished.discard(side)
            self._pairer.end(side)
        else:
            shifted_ns = frame.timestamp_ns + self._offsets[side]
            self._push(side, dataclasses.replace(frame, timestamp_ns=shifted_ns), now_ns)

    def _push(self, side: Side, frame: Frame, now_ns: int) -> None:
        self._pairer.push(side, frame, now_ns)


def _check_alike(visible: Camera, infrared: Camera) -> None:
    if visible.realtime == infrared.realtime:
        return
    live, replayed = (visible, infrared) if visible.realtime else (infrared, visible)
    raise CoconetError(
        f"{visible.name} and {infrared.name}",
        wanted="two live cameras or two recordings",
        got=f"{live.name} live and {replayed.name} from a recording",
        remedy="Set realtime = true in the rig file to replay the recording as a live camera would.",
    )
