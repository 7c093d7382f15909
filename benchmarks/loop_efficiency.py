"""What the live loop costs beside the backend: its rate over the backend's own, and the way from capture to fused.

python -m benchmarks.loop_efficiency [--model lite] [--seconds 20]; only the ratios mean anything on a busy machine
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle

from rich.console import Console

from runtime.backend import Backend, open_backend
from runtime.frame import Frame, FramePair
from runtime.latency import Percentiles
from runtime.live_stream import LiveStream
from runtime.pipeline import run_pipeline
from runtime.run_report import RunReport
from runtime.samples import painted_pairs
from runtime.sink import NoSink
from runtime.stream import StreamCounts

FRAMES = 30  # painted once and shown again and again, so that painting costs nothing


class Projector:
    """A live camera that shows the same frames for ever, at a rate, stamped when they are due."""

    realtime = True

    def __init__(self, name: str, frames: list[Frame], fps: float) -> None:
        self.name, self._frames, self._fps = name, cycle(frames), fps
        self._began_ns, self._index = time.monotonic_ns(), 0

    def read(self) -> Frame | None:
        """Wait for the next frame's time."""
        due_ns = self._began_ns + round(self._index * 1e9 / self._fps)
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        self._index += 1
        return Frame(next(self._frames).pixels, due_ns, self._index, stamps="arrival")

    def close(self) -> None:
        """Nothing to release."""


def main() -> None:
    """Time the backend alone and in the loop, in turns, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    pairs = painted_pairs(FRAMES)
    with closing(open_backend(options.model)) as backend:
        alone_ms(backend, pairs, options.seconds / 10)  # warms up
        before = alone_ms(backend, pairs, options.seconds / 2)
        full = looped(backend, pairs, 2000 / before.p50, options.seconds)
        after = alone_ms(backend, pairs, options.seconds / 2)
        own_fps = 2000 / (before.p50 + after.p50)
        easy = looped(backend, pairs, own_fps / 2, options.seconds)
    show(own_fps, (before.p95 + after.p95) / 2, full, easy)


def alone_ms(backend: Backend, pairs: list[FramePair], seconds: float) -> Percentiles:
    """Fuse in a bare loop."""
    times_ms, end = [], time.perf_counter() + seconds
    for pair in cycle(pairs):
        begun = time.perf_counter()
        backend.fuse(pair.visible.pixels, pair.infrared.pixels)
        times_ms.append((time.perf_counter() - begun) * 1e3)
        if time.perf_counter() > end:
            break
    return Percentiles.of(times_ms)


def looped(backend: Backend, pairs: list[FramePair], fps: float, seconds: float) -> RunReport:
    """Fuse in the live loop, from two cameras of this rate."""
    visible = Projector("visible", [pair.visible for pair in pairs], fps)
    infrared = Projector("infrared", [pair.infrared for pair in pairs], fps)
    with LiveStream(visible, infrared) as stream:
        return run_pipeline(_For(stream, seconds), backend, NoSink())


class _For:
    """A stream that ends after so many seconds."""

    realtime = True

    def __init__(self, stream: LiveStream, seconds: float) -> None:
        self._stream, self._seconds = stream, seconds

    def __iter__(self) -> Iterator[FramePair]:
        end = time.monotonic() + self._seconds
        for pair in self._stream:
            yield pair
            if time.monotonic() > end:
                return

    @property
    def counts(self) -> StreamCounts:
        return self._stream.counts


def show(own_fps: float, own_p95_ms: float, full: RunReport, easy: RunReport) -> None:
    """Print the rate with cameras twice as fast as the backend, and the latency with cameras half as fast."""
    console = Console()
    console.print(f"backend alone {own_fps:.1f} fps; loop {full.fps:.1f} fps; ratio {full.fps / own_fps:.3f}")
    way = easy.capture_to_fused_ms
    if way is not None and easy.latency_ms is not None:
        period_ms = 2000 / own_fps
        console.print(
            f"capture to fused p95 {way.p95:.1f} ms; backend p95 {own_p95_ms:.1f} ms alone, "
            f"{easy.latency_ms.p95:.1f} ms in the loop; bound {own_p95_ms + period_ms + 5:.1f} ms"
        )
    console.print("stages:", ", ".join(f"{stage.stage} p50 {stage.ms.p50:.1f} ms" for stage in easy.stages))


if __name__ == "__main__":
    main()
