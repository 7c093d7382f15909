"""The loop: pairs in, fused frames out, several under way at once if the backend overlaps them."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import BoundedSemaphore, Event
from typing import Any, Protocol

from coconet.errors import CoconetError, ExitCode, counted, ending_with
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import (
    Answer,
    AnsweringBackend,
    Backend,
    ChoosingBackend,
    OverlappingBackend,
    WarpingBackend,
)
from coconet.runtime.balance import AS_MADE, apply_heat
from coconet.runtime.clock import monotonic_ns
from coconet.runtime.frame import FramePair, FusedFrame, Side
from coconet.runtime.frame_check import SizeGuard
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.selection import Selection, UnfusedPair, named_after
from coconet.runtime.pairing.stream_counts import StreamCounts
from coconet.runtime.sinks.sink import Sink
from coconet.runtime.sinks.writer_thread import SinkThread
from coconet.runtime.threads.queue_thread import Bounds, QueueThread, filling


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


@dataclass(frozen=True)
class _Sent:
    """A pending entry that was sent away. ticket: what its picture is asked for with."""

    pending: Pending
    ticket: Any


def overlapped(
    entries: Iterable[Entry], backend: OverlappingBackend, clock: Callable[[], float]
) -> Iterator[tuple[Pending, Pixels | None]]:
    """Give every entry with its picture, in order, while up to `backend.depth` are on their way.

    None stands for the picture of a pair of which a camera is missing: there is nothing to fuse. A pair of another
    size, or that lies otherwise, waits until those before it are done.
    """
    pending: deque[Pending] = deque()
    for entry in entries:
        while pending and not _fits_beside(entry.pair, pending, backend.depth):
            yield pending.popleft(), backend.collect()
        if entry.pair.missing:
            yield Pending(entry, clock()), None
            continue
        begun = clock()
        with named_after(entry.pair):
            _align(backend, entry.pair)
            backend.submit(entry.pair.visible.pixels, entry.pair.infrared.pixels)
        pending.append(Pending(entry, begun))
    while pending:
        yield pending.popleft(), backend.collect()


def _fits_beside(pair: FramePair, pending: deque[Pending], depth: int) -> bool:
    if pair.missing or len(pending) >= depth:
        return False
    last = pending[-1].entry.pair
    shapes = ((one.visible.pixels.shape, one.infrared.pixels.shape) for one in (last, pair))
    return len(set(shapes)) == 1 and last.warp == pair.warp


def _align(backend: object, pair: FramePair) -> None:
    """Tell a model that may warp how the pair lies."""
    if isinstance(backend, WarpingBackend):
        backend.align(pair.warp)


_SENT = Bounds(64)  # the backend says before how many may be under way

_LOOK_S = 0.1

_PAIRS_AHEAD = 2  # of recordings; of live cameras one, because a second would only be an older picture


class PairSource(Protocol):
    """Where pairs come from: a PairStream, or anything that counts as one.

    realtime: whether a pair that is not fused in time gives way to a newer one.
    """

    realtime: bool

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give the pairs, oldest first, until there are no more or `stop` is set."""

    @property
    def counts(self) -> StreamCounts:
        """What became of the cameras' frames."""


@dataclass(frozen=True)
class Ending:
    """What ends a run before its cameras do.

    limit: that many fused frames. stop: set by any thread, it ends the run also while no pair comes and while the sink
    has no room; what was fused until then is kept. selection: which pairs are fused, and whether one that cannot be
    ends the run.
    """

    limit: int | None = None
    stop: Event = field(default_factory=Event)
    selection: Selection = field(default_factory=Selection)


def run_pipeline(
    pairs: PairSource,
    backend: Backend,
    sink: Sink,
    *,
    ending: Ending | None = None,
    gauge: RunStats | None = None,
) -> RunReport:
    """Fuse pairs until they end, or as `ending` says; close the sink and say how it went.

    The cameras read, one thread pairs and prepares, this one fuses, and one writes, all at the same time.
    gauge: keeps the record of the run.
    Any error discards the sink and is raised; so is a stream without a single pair, unless it was stopped.
    """
    gauge, ending = gauge or RunStats(), ending or Ending()
    loop, stop, selection = _Loop(pairs, backend, ending, gauge), ending.stop, ending.selection
    with SinkThread(sink, gauge.note_written) as writer:
        for frame in loop.fused():
            if not writer.put(frame, stop):
                break
            gauge.note(frame)
        interrupted = stop.is_set()
        if gauge.fused == 0:
            writer.give_up()  # a video without a frame is none
            if not interrupted and not selection.skipped:
                silent = 0 in (pairs.counts.visible.read, pairs.counts.infrared.read)
                with ending_with(ExitCode.CAMERA if silent or selection.misfits else ExitCode.UNPAIRED):
                    raise _no_pairs(pairs.counts, selection.misfits, realtime=pairs.realtime)
    report = RunReport.of(gauge.figures(), pairs.counts, interrupted=interrupted)
    spent = report.fused + report.superseded + selection.skipped + len(selection.misfits)
    left = max(0, loop.made - spent)
    return dataclasses.replace(report, skipped=selection.skipped, misfits=selection.misfits, left_over=left)


class _Loop:
    """One run of the loop, from pairs to fused frames. made: pairs that were made ready so far."""

    def __init__(self, pairs: PairSource, backend: Backend, ending: Ending, gauge: RunStats) -> None:
        self._selection = ending.selection
        self._pairs, self._backend, self._limit, self._stop = pairs, backend, ending.limit, ending.stop
        self._guard, self._gauge = SizeGuard(backend.card), gauge
        self._chosen_at = 0.0  # what was ready before waited for the choice, which is not a frame's way
        self._late, self._begun, self.made = 0, False, 0
        self._ahead = self._reader()
        gauge.begin(backend.card, backend.name, lambda: self._ahead.dropped + self._late)
        if isinstance(backend, ChoosingBackend):
            backend.let_overlap(not (pairs.realtime or ending.selection.skips_misfits or ending.limit == 1))
        if isinstance(backend, AnsweringBackend):
            answering = backend
            gauge.watch_model(lambda: answering.trouble, lambda: answering.outages)

    def fused(self) -> Iterator[FusedFrame]:
        """Fuse pair after pair, while the next ones are made ready."""
        with self._ahead:
            entries, backend = self._prepared(), self._backend
            if isinstance(backend, ChoosingBackend):
                entries = self._chosen(entries, backend)
            if isinstance(backend, AnsweringBackend):
                yield from islice(self._answered(entries, backend), self._limit)
            elif isinstance(backend, OverlappingBackend) and backend.depth > 1 and not self._selection.skips_misfits:
                yield from self._overlapped(islice(entries, self._limit), backend)
            else:  # where misfits are skipped as well: a pair that fails takes those under way beside it along
                frames = (frame for frame in map(self._fused, entries) if frame is not None)
                yield from islice(frames, self._limit)

    def _reader(self) -> QueueThread[Entry]:
        # Of recordings no pair more than wanted is read; of live cameras those that give way do not count.
        live, pairs = self._pairs.realtime, self._pairs.until(self._stop)
        source = iter(pairs if live or self._selection.chooses else islice(pairs, self._limit))
        bounds = Bounds(1, "drop oldest") if live else Bounds(_PAIRS_AHEAD)
        ready = (self._made(pair) for pair in map(self._guard, source))
        return QueueThread(filling(lambda: next(ready, None)), bounds, "prepare")

    def _made(self, pair: FramePair) -> Entry:
        self.made += 1
        return Entry(pair, time.perf_counter())

    def _prepared(self) -> Iterator[Entry]:
        while (entry := self._next()) is not None:
            if self._selection.wants(entry.pair):
                yield entry

    def _next(self) -> Entry | None:
        with ending_with(ExitCode.CAMERA, begun=self._begun):
            entry = self._ahead.take(self._stop)
        self._begun = True
        return entry

    def _fused(self, entry: Entry) -> FusedFrame | None:
        begun, pixels = time.perf_counter(), None
        with ending_with(ExitCode.MODEL), self._selection.fusing(entry.pair):
            pixels = _fuse(entry.pair, self._backend)
        return None if pixels is None else self._frame(Pending(entry, begun), pixels)

    def _chosen(self, entries: Iterator[Entry], backend: ChoosingBackend) -> Iterator[Entry]:
        """Let the backend choose by the first pair that it can fuse, before that is fused."""
        chosen = False
        for entry in entries:
            if not entry.pair.missing:
                begun = time.perf_counter()
                with ending_with(ExitCode.MODEL), self._selection.fusing(entry.pair):
                    backend.choose(entry.pair, self._stop)
                    chosen = True
                if not chosen:
                    continue
                self._chosen_at = time.perf_counter()
                self._gauge.runs_on(self._backend.card, self._backend.name, took_s=self._chosen_at - begun)
            yield entry
            if chosen:
                break
        yield from entries

    def _overlapped(self, entries: Iterator[Entry], backend: OverlappingBackend) -> Iterator[FusedFrame]:
        pictures = overlapped(entries, backend, time.perf_counter)
        while (one := self._next_picture(pictures)) is not None:
            pending, fused = one
            pair = pending.entry.pair
            yield self._frame(pending, _fuse(pair, self._backend) if fused is None else fused)

    def _answered(self, entries: Iterator[Entry], backend: AnsweringBackend) -> Iterator[FusedFrame]:
        """Fuse elsewhere: one thread sends pairs while there is room, this one waits for each picture in turn."""
        backend.keep_up(live=self._pairs.realtime)
        room = BoundedSemaphore(backend.depth)
        sender: QueueThread[_Sent]
        sender = QueueThread(filling(lambda: self._sent(entries, backend, room, sender)), _SENT, "send")
        card = self._backend.card
        with sender:
            while (sent := sender.take(self._stop)) is not None:
                answer = self._received(sent, backend)
                if self._backend.card is not card:  # of a server that was down at the start
                    card = self._backend.card
                    self._gauge.runs_on(card, self._backend.name)
                room.release()
                if answer is None:
                    continue
                if answer.pixels is None and not answer.notice:
                    self._late += 1
                else:
                    yield self._frame_of(sent.pending, answer)

    def _sent(
        self, entries: Iterator[Entry], backend: AnsweringBackend, room: BoundedSemaphore, sender: QueueThread[_Sent]
    ) -> _Sent | None:
        # Room first: a live pair that was taken before would grow old while it waits for room.
        while not (self._stop.is_set() or sender.stopping):
            if not room.acquire(timeout=_LOOK_S):
                continue
            if (entry := next(entries, None)) is None:
                return None
            begun, pair, ticket = time.perf_counter(), entry.pair, None
            if pair.missing:
                return _Sent(Pending(entry, begun), None)
            with ending_with(ExitCode.MODEL), self._selection.fusing(pair):
                ticket = backend.send(pair.visible.pixels, pair.infrared.pixels)
            if ticket is not None:
                return _Sent(Pending(entry, begun), ticket)
            room.release()
        return None

    def _received(self, sent: _Sent, backend: AnsweringBackend) -> Answer | None:
        """What became of a pair; None for one that is left out."""
        pair = sent.pending.entry.pair
        if sent.ticket is None:
            return Answer(None, pair.notice)
        with ending_with(ExitCode.MODEL), self._selection.fusing(pair):
            return backend.receive(sent.ticket)
        return None

    def _frame_of(self, pending: Pending, answer: Answer) -> FusedFrame:
        """The frame of an answer; without a picture it is what the visible camera shows, or the one that is there."""
        pair = pending.entry.pair
        if answer.notice != pair.notice:
            notice = "; ".join(filter(None, (pair.notice, answer.notice)))
            missing = frozenset[Side]({"infrared"}) if answer.pixels is None else pair.missing
            pair = dataclasses.replace(pair, notice=notice, missing=missing)
        pixels = _fuse(pair, self._backend) if answer.pixels is None else answer.pixels
        frame = self._frame(Pending(Entry(pair, pending.entry.ready), pending.begun), pixels)
        if not (answer.taken_over or answer.lost):
            return frame
        return dataclasses.replace(frame, taken_over=answer.taken_over, without_server=answer.lost)

    def _next_picture(self, pictures: Iterator[tuple[Pending, Pixels | None]]) -> tuple[Pending, Pixels | None] | None:
        with ending_with(ExitCode.MODEL):
            return next(pictures, None)

    def _frame(self, pending: Pending, pixels: Pixels) -> FusedFrame:
        ended, pair = time.perf_counter(), pending.entry.pair
        age_ms = (time.monotonic_ns() - max(monotonic_ns(pair.visible), monotonic_ns(pair.infrared))) / 1e6
        return FusedFrame(
            pixels,
            pair,
            latency_ms=(ended - pending.begun) * 1e3,
            queued_ms=(pending.begun - max(pending.entry.ready, self._chosen_at)) * 1e3,
            capture_to_fused_ms=age_ms if self._pairs.realtime else None,
            finish=None if _is_whole(pair) else _finish,  # by the thread that writes or draws it
        )


def fuse_pair(pair: FramePair, backend: Backend) -> Pixels:
    """Fuse a pair: in its heat, with a notice as a badge; where a camera is missing, what the other one shows."""
    made = _fuse(pair, backend)
    return made if _is_whole(pair) else _finish(made, pair)


def _fuse(pair: FramePair, backend: Backend) -> Pixels:
    """What comes of the model, or, where a camera is missing, what the other one shows under a badge."""
    if pair.missing:
        from coconet.runtime.badge import single_camera_picture

        return single_camera_picture(pair)
    _align(backend, pair)
    return backend.fuse(pair.visible.pixels, pair.infrared.pixels)


def _is_whole(pair: FramePair) -> bool:
    """Whether nothing more is done to what came of the model."""
    return bool(pair.missing) or (pair.heat_percent == AS_MADE and not pair.notice)


def _finish(fused: Pixels, pair: FramePair) -> Pixels:
    """The fused picture of a pair in its heat, with a badge where there is something to notice."""
    if pair.heat_percent != AS_MADE:
        seen, thermal = pair.visible.pixels, pair.laid_infrared
        fused = apply_heat(fused, seen, thermal, pair.heat_percent, pair.covered)
    if not pair.notice:
        return fused
    from coconet.runtime.badge import add_badge

    return add_badge(fused, pair.notice)


def _no_pairs(counts: StreamCounts, misfits: Sequence[UnfusedPair], *, realtime: bool) -> CoconetError:
    if misfits:
        return CoconetError(
            "cameras",
            wanted="at least one pair that can be fused",
            got=f"none of {len(misfits)}; the first one, {misfits[0].name}: {misfits[0].reason}",
            remedy="Check the pictures and the model.",
            says=f"gave {counted(len(misfits), 'pair')}, none of which could be fused; the first one, "
            f"{misfits[0].name}: {misfits[0].reason}",
        )
    why, remedy = counts.why_no_pair(realtime=realtime)
    read = f"{counts.visible.read} visible and {counted(counts.infrared.read, 'infrared frame')}"
    return CoconetError(
        "cameras",
        wanted="at least one pair of frames",
        got=f"none out of {read}",
        remedy=remedy
        or "Check that both cameras run at the same time; widen the pairing tolerance if their clocks differ.",
        says=f"gave no pair of frames out of {read}{why and f': {why}'}",
    )
