"""Pairs out of two cameras: both are read in threads, paired by time and prepared for a backend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Condition
from types import TracebackType

from coconet.errors import CoconetError
from runtime.capture import Capture
from runtime.frame import Camera, FramePair, Side
from runtime.sync import Pairer

_DEPTH = 8  # frames read ahead: long enough at 60 fps to span a 9 Hz period, short enough not to hold old pictures


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

    tolerance_ns: the largest gap in a pair; None means half the slower camera's period.
    visible_offset_ns, infrared_offset_ns: added to the stamps of a side before pairing.
    """

    tolerance_ns: int | None = None
    visible_offset_ns: int = 0
    infrared_offset_ns: int = 0


class PairStream:
    """A context manager and iterator of FramePair, which reads both cameras inside its block and closes them after it.

    Cameras that can wait (files) give every pair, in order. Of realtime cameras it gives the newest pair at hand, so
    that a slow consumer sees few pictures rather than old ones.

    realtime: which of the two it is. frames_expected: how many pairs will come, where both cameras know their length.
    """

    def __init__(
        self,
        visible: Camera,
        infrared: Camera,
        pairing: Pairing | None = None,
        prepare: Callable[[FramePair], FramePair] | None = None,
    ) -> None:
        """Join two open cameras; `prepare` is applied to every pair that comes out.

        Raises CoconetError where only one of them is realtime, because their stamps have no common clock.
        """
        if visible.realtime != infrared.realtime:
            live, replayed = (visible, infrared) if visible.realtime else (infrared, visible)
            raise CoconetError(
                f"{visible.name} and {infrared.name}",
                wanted="two live cameras or two recordings",
                got=f"{live.name} live and {replayed.name} from a recording",
                remedy="Set realtime = true in the rig file to replay the recording as a live camera would.",
            )
        self.realtime = visible.realtime
        self.frames_expected = None if self.realtime else _fewest(visible, infrared)
        pairing = pairing or Pairing()
        self._offsets: dict[Side, int] = {
            "visible": pairing.visible_offset_ns,
            "infrared": pairing.infrared_offset_ns,
        }
        self._prepare = prepare
        self._cameras: dict[Side, Camera] = {"visible": visible, "infrared": infrared}
        self._changed = Condition()
        self._captures = {side: Capture(camera, _DEPTH, self._changed) for side, camera in self._cameras.items()}
        self._unfinished = set(self._captures)
        self._pairer = Pairer(pairing.tolerance_ns, prompt=self.realtime)
        self._paired = self._superseded = 0
        self._exit: ExitStack | None = None

    def __enter__(self) -> PairStream:
        with ExitStack() as stack:  # runs at once if a start fails, at the end of our block if not
            for side, capture in self._captures.items():
                stack.callback(self._cameras[side].close)
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
        while True:
            pair = self._newest_pair() if self.realtime else self._pairer.pop()
            if pair is not None:
                self._paired += 1
                yield pair if self._prepare is None else self._prepare(pair)
            elif self._pairer.finished:
                return
            else:
                self._feed()

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; after the block, of all of them: read = paired + dropped."""
        return StreamCounts(self._count("visible"), self._count("infrared"))

    def _count(self, side: Side) -> CameraCount:
        capture = self._captures[side]
        dropped = capture.dropped + self._pairer.dropped(side) + self._superseded
        return CameraCount(capture.read, self._paired, dropped)

    def _newest_pair(self) -> FramePair | None:
        newest = self._pairer.pop()
        while newest is not None and (later := self._pairer.pop()) is not None:
            newest = later
            self._superseded += 1
        return newest

    def _feed(self) -> None:
        """Hand frames to the pairer: of recordings the one it wants, of live cameras all that have come."""
        if not self.realtime:
            self._take(self._pairer.wants)
            return
        with self._changed:
            self._changed.wait_for(lambda: any(self._captures[side].ready for side in self._unfinished))
        for side in tuple(self._unfinished):
            while side in self._unfinished and self._captures[side].ready:
                self._take(side)

    def _take(self, side: Side) -> None:
        frame = self._captures[side].take()
        if frame is None:
            self._unfinished.discard(side)
            self._pairer.end(side)
        else:
            shifted_ns = frame.timestamp_ns + self._offsets[side]
            self._pairer.push(side, dataclasses.replace(frame, timestamp_ns=shifted_ns))


def _fewest(*cameras: Camera) -> int | None:
    """Give the length of the shorter recording; a camera need not know its own, so it may be None."""
    lengths: list[int | None] = [getattr(camera, "frames_expected", None) for camera in cameras]
    known = [length for length in lengths if length is not None]
    return min(known) if len(known) == len(lengths) else None
