"""The loop: pairs in, fused frames out, several under way at once if the backend overlaps them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend, OverlappingBackend
from coconet.runtime.frame import FramePair, FusedFrame
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import Gauge, LatencyLog
from coconet.runtime.pairing.paired_captures import StreamCounts
from coconet.runtime.pairing.read_ahead import Buffering, ReadAhead
from coconet.runtime.sinks.sink import Sink
from coconet.runtime.sinks.writer_thread import SinkThread


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


_PAIRS_AHEAD = 2  # of recordings; of live cameras one, because a second would only be an older picture


class PairSource(Protocol):
    """Where pairs come from: a PairStream, or anything that counts as one.

    realtime: whether a pair that is not fused in time gives way to a newer one.
    """

    realtime: bool

    def __iter__(self) -> Iterator[FramePair]:
        """Give the pairs, oldest first."""

    @property
    def counts(self) -> StreamCounts:
        """What became of the cameras' frames."""


def run_pipeline(
    pairs: PairSource,
    backend: Backend,
    sink: Sink,
    *,
    limit: int | None = None,
    gauge: Gauge | None = None,
) -> RunReport:
    """Fuse pairs until they end, `limit` is reached, or Ctrl-C; close the sink and say how it went.

    The cameras read, one thread pairs and prepares, this one fuses, and one writes, all at the same time.
    gauge: told everything while it goes on.
    Any error discards the sink and is raised; so is a stream without a single pair.
    """
    loop = _Loop(pairs, backend, limit, gauge or Gauge())
    with SinkThread(sink, loop.note_written) as writer:
        try:
            for frame in loop.fused():
                writer.put(frame)
                loop.note(frame)
        except KeyboardInterrupt:
            loop.interrupted = True  # what was fused so far is worth keeping
        if loop.log.frames == 0:
            with ending_with(ExitCode.CAMERA):
                raise _no_pairs(pairs.counts)
    return loop.report()


class _Loop:
    """One run of the loop, and what it remembers of itself."""

    def __init__(self, pairs: PairSource, backend: Backend, limit: int | None, gauge: Gauge) -> None:
        self.log, self.interrupted = LatencyLog(), False
        self._pairs, self._backend, self._limit, self._gauge = pairs, backend, limit, gauge
        self._started = time.perf_counter()
        self._ahead = self._reader()
        gauge.begin(backend.card, backend.name, lambda: self._ahead.dropped)

    def fused(self) -> Iterator[FusedFrame]:
        """Fuse pair after pair, while the next ones are made ready."""
        with self._ahead:
            entries = islice(self._prepared(), self._limit)
            backend = self._backend
            if isinstance(backend, OverlappingBackend) and backend.depth > 1:
                yield from self._overlapped(entries, backend)
            else:
                yield from (self._fused(entry) for entry in entries)

    def note(self, frame: FusedFrame) -> None:
        """Take a frame that was handed to the sink."""
        self.log.add(frame)
        self._gauge.note(frame)

    def note_written(self, queued_ms: float, write_ms: float) -> None:
        """Take the times of a frame that was written."""
        self.log.add_write(queued_ms, write_ms)
        self._gauge.note_written(queued_ms, write_ms)

    def report(self) -> RunReport:
        """Say how it went."""
        return RunReport(
            model=self._backend.card.network,
            precision=self._backend.card.precision,
            backend=self._backend.name,
            counts=self._pairs.counts,
            fused=self.log.frames,
            seconds=time.perf_counter() - self._started,
            latency_ms=self.log.percentiles("fuse"),
            skew_ms=self.log.percentiles("skew"),
            interrupted=self.interrupted,
            capture_to_fused_ms=self.log.percentiles("capture to fused"),
            stages=self.log.stages,
            superseded=self._ahead.dropped,
            passed_through=self.log.passed_through,
        )

    def _reader(self) -> ReadAhead[Entry]:
        # Of recordings no pair more than wanted is read; of live cameras those that give way do not count.
        source = iter(self._pairs if self._pairs.realtime else islice(self._pairs, self._limit))
        depth = 1 if self._pairs.realtime else _PAIRS_AHEAD
        ready = (Entry(pair, time.perf_counter()) for pair in source)
        return ReadAhead(lambda: next(ready, None), Buffering(depth, self._pairs.realtime), "prepare")

    def _prepared(self) -> Iterator[Entry]:
        while (entry := self._next()) is not None:
            yield entry

    def _next(self) -> Entry | None:
        with ending_with(ExitCode.CAMERA):
            return self._ahead.take()

    def _fused(self, entry: Entry) -> FusedFrame:
        begun = time.perf_counter()
        with ending_with(ExitCode.MODEL):
            pixels = fused_pixels(entry.pair, self._backend)
        return self._frame(Pending(entry, begun), pixels)

    def _overlapped(self, entries: Iterator[Entry], backend: OverlappingBackend) -> Iterator[FusedFrame]:
        pictures = overlapped(entries, backend, time.perf_counter)
        while (one := self._next_picture(pictures)) is not None:
            pending, fused = one
            pair = pending.entry.pair
            yield self._frame(pending, fused_pixels(pair, self._backend) if fused is None else noticed(fused, pair))

    def _next_picture(self, pictures: Iterator[tuple[Pending, Pixels | None]]) -> tuple[Pending, Pixels | None] | None:
        with ending_with(ExitCode.MODEL):
            return next(pictures, None)

    def _frame(self, pending: Pending, pixels: Pixels) -> FusedFrame:
        ended, pair = time.perf_counter(), pending.entry.pair
        age_ms = (time.monotonic_ns() - max(pair.visible.timestamp_ns, pair.infrared.timestamp_ns)) / 1e6
        return FusedFrame(
            pixels,
            pair,
            latency_ms=(ended - pending.begun) * 1e3,
            queued_ms=(pending.begun - pending.entry.ready) * 1e3,
            capture_to_fused_ms=age_ms if self._pairs.realtime else None,
        )


def fused_pixels(pair: FramePair, backend: Backend) -> Pixels:
    """Fuse a pair; where a camera is missing, what the other one shows. A notice is shown as a badge."""
    if pair.missing:
        from coconet.runtime.badge import survivor_picture

        return survivor_picture(pair)
    return noticed(backend.fuse(pair.visible.pixels, pair.infrared.pixels), pair)


def noticed(fused: Pixels, pair: FramePair) -> Pixels:
    """The fused picture of a pair, with a badge where there is something to notice."""
    if not pair.notice:
        return fused
    from coconet.runtime.badge import badged

    return badged(fused, pair.notice)


def _no_pairs(counts: StreamCounts) -> CoconetError:
    return CoconetError(
        "cameras",
        wanted="at least one pair of frames",
        got=f"none out of {counts.visible.read} visible and {counts.infrared.read} infrared frames",
        remedy="Check that both cameras run at the same time; widen the pairing tolerance if their clocks differ.",
    )
