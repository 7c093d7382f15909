"""Overlap: several pairs on their way through a backend at the same time, given back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from runtime.frame import FramePair, Pixels


@runtime_checkable
class OverlappingBackend(Protocol):
    """A backend that uploads, computes and downloads different pairs at once. depth: how many may be under way."""

    depth: int

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start with a pair; at most `depth` may be pending, and all of one size."""

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and give its picture."""


@dataclass(frozen=True)
class Entry:
    """A pair and when it was ready, in seconds of time.perf_counter()."""

    pair: FramePair
    ready: float


@dataclass(frozen=True)
class Pending:
    """An entry on its way, and when it began."""

    entry: Entry
    begun: float


def overlapped(
    entries: Iterable[Entry], backend: OverlappingBackend, clock: Callable[[], float]
) -> Iterator[tuple[Pending, Pixels | None]]:
    """Give every entry with its picture, in order, while up to `backend.depth` are on their way.

    None stands for the picture of a pair of which a camera is missing: there is nothing to fuse. A pair of another
    size waits until those before it are done.
    """
    pending: deque[Pending] = deque()
    for entry in entries:
        while pending and not _fits_beside(entry.pair, pending, backend.depth):
            yield pending.popleft(), backend.collect()
        if entry.pair.missing:
            yield Pending(entry, clock()), None
            continue
        begun = clock()
        backend.submit(entry.pair.visible.pixels, entry.pair.infrared.pixels)
        pending.append(Pending(entry, begun))
    while pending:
        yield pending.popleft(), backend.collect()


def _fits_beside(pair: FramePair, pending: deque[Pending], depth: int) -> bool:
    if pair.missing or len(pending) >= depth:
        return False
    last = pending[-1].entry.pair
    return last.visible.pixels.shape == pair.visible.pixels.shape
