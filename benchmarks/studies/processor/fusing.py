"""What fusing takes with one backend beside another, or beside the loop around it, on frames that lie ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from threading import Event

from coconet.benchmarks.studies.processor.turns import Compared, in_turns, timed
from coconet.cards.frame_size import FrameSize
from coconet.runtime.backends.backend import Backend, OverlappingBackend
from coconet.runtime.backends.choice import BackendChoice
from coconet.runtime.backends.open_backend import open_choice
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts
from coconet.runtime.picking.backend import PickedBackend
from coconet.runtime.sinks.sink import NoSink


class ReadyPairs:
    """Pairs that lie ready, given in turns, N in all: a recording that costs nothing to read."""

    realtime = False

    def __init__(self, pairs: list[FramePair], length: int) -> None:
        self._pairs, self._length, self._given = pairs, length, 0

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give the pairs until there are no more or `stop` is set."""
        while self._given < self._length and not stop.is_set():
            self._given += 1
            yield self._pairs[self._given % len(self._pairs)]

    @property
    def counts(self) -> StreamCounts:
        """How many were given."""
        count = CameraCount(self._given, self._given)
        return StreamCounts(count, count)


@dataclass(frozen=True)
class Effort:
    """How much is measured: turns of each way, frames in a turn, and their size."""

    turns: int
    frames: int
    size: FrameSize

    def pairs(self, backend: Backend) -> list[FramePair]:
        """Some synthetic pairs as a model takes them."""
        return list(fit_pairs(synthetic_pairs(4, self.size.height_px, self.size.width_px), backend.card))


def fuse_alone(backend: Backend, pairs: list[FramePair], frames: int) -> None:
    """Fuse N frames, one after the other."""
    for index in range(frames):
        pair = pairs[index % len(pairs)]
        backend.fuse(pair.visible.pixels, pair.infrared.pixels)


def fuse_overlapping(backend: OverlappingBackend, pairs: list[FramePair], frames: int) -> None:
    """Fuse N frames with as many under way as the backend allows."""
    for index in range(frames):
        if index >= backend.depth:
            backend.collect()
        pair = pairs[index % len(pairs)]
        backend.submit(pair.visible.pixels, pair.infrared.pixels)
    for _ in range(min(frames, backend.depth)):
        backend.collect()


def picked_against(reference: BackendChoice, model: str, effort: Effort, *, overlaps: bool = False) -> Compared:
    """What frames take by the backend that is picked for a model, over what they take one by one by a reference.

    overlaps: whether several are under way at once, as in the run of a file.
    """
    with closing(PickedBackend(model)) as picked, closing(open_choice(reference)) as other:
        pairs = effort.pairs(other)
        picked.let_overlap(overlaps)
        picked.choose(pairs[0])
        fuse = partial(fuse_overlapping if overlaps else fuse_alone, picked, pairs)
        others = partial(fuse_alone, other, pairs)
        for warm_up in (fuse, others):
            warm_up(2)
        return in_turns(
            partial(timed, partial(fuse, effort.frames)), partial(timed, partial(others, effort.frames)), effort.turns
        )


def alone_against_loop(choice: BackendChoice, effort: Effort) -> Compared:
    """What frames take by a backend itself over what they take in the loop around it: 1 is a loop for nothing."""
    with closing(open_choice(choice)) as backend:
        pairs = effort.pairs(backend)
        fuse_alone(backend, pairs, 2)

        def loop() -> None:
            run_pipeline(ReadyPairs(pairs, effort.frames), backend, NoSink())

        return in_turns(
            partial(timed, partial(fuse_alone, backend, pairs, effort.frames)), partial(timed, loop), effort.turns
        )
