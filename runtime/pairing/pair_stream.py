"""A stream of pairs out of two cameras, each pair prepared for a backend."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.runtime.arguments import check_type
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import FramePair, Side
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.pairing.paired_captures import PairedCaptures, Pairing
from coconet.runtime.pairing.stream_counts import StreamCounts
from coconet.runtime.preprocess.preprocess import Preparation

if TYPE_CHECKING:
    from typing_extensions import Self

    from coconet.runtime.rig.rig_file import Rig


class PairSequence(Protocol):
    """In which order pairs come out of what two captures read.

    trouble: why two live cameras give no pairs; empty while they do, and of recordings.
    """

    trouble: str

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give pairs until there are no more or `stop` is set, which also ends the wait for a camera."""


class PairStream:
    """A context manager and iterator of FramePair, which reads both cameras inside its block and closes them after it.

    `pair_recordings` makes one that gives every pair of two recordings, in order;
    coconet.runtime.pairing.live_pairs.pair_live_cameras makes one that gives the newest pair of live cameras.

    realtime: which of the two it is. frames_expected: how many pairs will come, None if that is not known.
    preparation: makes every pair fit for a backend, and can be changed meanwhile; None leaves pairs as the cameras
    gave them. gives_misfits: whether a pair that cannot be prepared is given with its misfit rather than raised.
    inputs: the files, folders and addresses that are read, which no output may harm. rig: what it was opened from; None
    of cameras that were opened without one.
    """

    def __init__(
        self,
        captures: PairedCaptures,
        pairs: PairSequence,
        preparation: Preparation | None = None,
        *,
        gives_misfits: bool = False,
    ) -> None:
        """Give the `pairs` that are made of what `captures` reads."""
        self.gives_misfits = gives_misfits
        self.inputs: tuple[Path | str, ...] = ()
        self.rig: Rig | None = None
        self._captures, self._pairs, self.preparation = captures, pairs, preparation
        self.realtime, self.frames_expected = captures.realtime, captures.frames_expected
        self._cut: _Cut | None = None

    def __enter__(self) -> Self:
        self._captures.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._captures.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[FramePair]:
        """Give pairs until a camera ends. Raises what a camera raised, and what the preparation raises."""
        return self.until(Event())

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give pairs until a camera ends or `stop` is set, which also ends the wait for a camera that gives nothing."""
        check_type("stop", stop, Event, "a threading.Event", "Make one: stop = threading.Event().")
        self._captures.check_entered()
        if self._cut is None:
            return (self._prepare(pair) for pair in self._pairs.until(stop))
        return self._cut_out(self._cut, stop)

    def cut_out(self, begin_ns: int | None, end_ns: int | None, warm_up_ns: int) -> None:
        """Give only the pairs from one time on and before another one; None is the beginning, or the end.

        Those of the warm-up before are prepared and not given, so that what follows the scene has settled.
        """
        self._cut = _Cut(begin_ns, end_ns, warm_up_ns)

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; after the block, read = paired + dropped + left_over."""
        return self._captures.counts

    def health(self) -> tuple[CameraHealth | None, CameraHealth | None]:
        """How the visible and the infrared camera are now; None for recordings, which cannot be late."""
        return self._captures.health()

    def drift_px(self) -> float | None:
        """How far the alignment seems to be off, in visible pixels; None while that is not known or not looked at."""
        return None if self.preparation is None else self.preparation.drift_px

    def pairing_trouble(self) -> str:
        """Why two live cameras give no pairs, in words; empty while they do, and of recordings."""
        return self._pairs.trouble

    def front_end(self) -> FrontEnd | None:
        """What infrared pictures go through; None before the first, and without a preparation."""
        return None if self.preparation is None else self.preparation.front_end

    def leave_alignment_to_model(self) -> None:
        """Leave infrared pictures at their own size for a model that lays them by the alignment itself."""
        if self.preparation is not None:
            self.preparation.leave_alignment_to_model()

    def set_offset(self, side: Side, offset_ns: int) -> None:
        """Add this to the stamps of a side from its next frame on; pairing starts over if that changes them."""
        self._captures.set_offset(side, offset_ns)

    def _cut_out(self, cut: _Cut, stop: Event) -> Iterator[FramePair]:
        for pair in self._pairs.until(stop):
            if cut.end_ns is not None and pair.timestamp_ns >= cut.end_ns:
                return
            early_ns = 0 if cut.begin_ns is None else cut.begin_ns - pair.timestamp_ns
            if early_ns > cut.warm_up_ns:
                self._captures.note_paired(pair)
                continue
            prepared = self._prepare(pair)
            if early_ns <= 0:
                yield prepared

    def _prepare(self, pair: FramePair) -> FramePair:
        self._captures.note_paired(pair)
        if self.preparation is None or pair.misfit is not None:
            return pair
        begun = time.perf_counter()
        try:
            prepared = self.preparation(pair)
        except CoconetError as error:
            if not self.gives_misfits:
                raise
            return dataclasses.replace(pair, visible=dataclasses.replace(pair.visible, misfit=error))
        return dataclasses.replace(prepared, prepare_ms=(time.perf_counter() - begun) * 1e3)


@dataclasses.dataclass(frozen=True)
class _Cut:
    begin_ns: int | None
    end_ns: int | None
    warm_up_ns: int


class _EveryPair:
    """The pairs of two recordings, each as soon as it is certain; a recording waits for the other one."""

    def __init__(self, captures: PairedCaptures) -> None:
        self._captures, self.trouble = captures, ""

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give pairs until a recording ends or `stop` is set."""
        while not (stop.is_set() or self._captures.cut_short):
            self._captures.start_over()
            pairer = self._captures.pairer
            if (pair := pairer.pop()) is not None:
                yield pair
            elif pairer.finished:
                return
            else:
                self._captures.take(pairer.wants, stop=stop)


def pair_recordings(
    visible: Camera,
    infrared: Camera,
    pairing: Pairing | None = None,
    preparation: Preparation | None = None,
    *,
    gives_misfits: bool = False,
) -> PairStream:
    """Join two open cameras that wait to be read; every pair comes out, prepared. gives_misfits: see PairStream.

    Raises CoconetError if one of them is live and the other is not.
    """
    captures = PairedCaptures(visible, infrared, pairing)
    return PairStream(captures, _EveryPair(captures), preparation, gives_misfits=gives_misfits)
