"""The loop: pairs in, fused frames out. It knows no camera, no TensorRT and no window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from coconet.errors import CoconetError
from runtime.backend import Backend
from runtime.frame import FramePair, FusedFrame, Sink
from runtime.latency import LatencyLog
from runtime.run_report import RunReport
from runtime.sink_thread import SinkThread
from runtime.stream import StreamCounts

OnFrame = Callable[[FusedFrame], None]


class PairSource(Protocol):
    """Where pairs come from: a PairStream, or anything that counts as one."""

    def __iter__(self) -> Iterator[FramePair]:
        """Give the pairs, oldest first."""

    @property
    def counts(self) -> StreamCounts:
        """What became of the cameras' frames."""


def run_pipeline(
    pairs: PairSource, backend: Backend, sink: Sink, *, limit: int | None = None, on_frame: OnFrame | None = None
) -> RunReport:
    """Fuse pairs until they end, `limit` is reached, or Ctrl-C; close the sink and say how it went.

    The cameras read, this thread fuses, and the sink writes, each at the same time. on_frame: called after each frame.
    Any error discards the sink and is raised; so is a stream without a single pair.
    """
    log, interrupted = LatencyLog(), False
    started = time.perf_counter()
    with SinkThread(sink) as writer:
        try:
            for frame in fused_frames(islice(pairs, limit), backend):
                writer.put(frame)
                log.add(frame)
                if on_frame is not None:
                    on_frame(frame)
        except KeyboardInterrupt:
            interrupted = True  # what was fused so far is worth keeping
        if log.frames == 0:
            raise _no_pairs(pairs.counts)
    return RunReport(
        model=backend.card.network,
        precision=backend.card.precision,
        backend=backend.name,
        counts=pairs.counts,
        fused=log.frames,
        seconds=time.perf_counter() - started,
        latency_ms=log.latency_ms,
        skew_ms=log.skew_ms,
        interrupted=interrupted,
    )


def fused_frames(pairs: Iterator[FramePair], backend: Backend) -> Iterator[FusedFrame]:
    """Fuse pair after pair, timing each."""
    for pair in pairs:
        complete = time.perf_counter()
        pixels = backend.fuse(pair.visible.pixels, pair.infrared.pixels)
        yield FusedFrame(pixels, pair, latency_ms=(time.perf_counter() - complete) * 1e3)


def _no_pairs(counts: StreamCounts) -> CoconetError:
    return CoconetError(
        "cameras",
        wanted="at least one pair of frames",
        got=f"none out of {counts.visible.read} visible and {counts.infrared.read} infrared frames",
        remedy="Check that both cameras run at the same time; widen the pairing tolerance if their clocks differ.",
    )
