"""What the live loop costs beside the backend: its rate over the backend's own, and the way from capture to fused.

python -m coconet.benchmarks.endurance.loop_overhead [--model lite] [--turns 9] [--seconds 4]

On a noisy machine only the medians of the turns mean anything.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, pairwise
from statistics import median
from threading import Timer

from coconet.errors import counted
from coconet.model_names import DEFAULT_MODEL
from coconet.progress.board import ProgressItems
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.pairing.live_pairs import pair_live_cameras
from coconet.runtime.sinks.sink import NoSink
from coconet.terminal.console import Console

FRAMES = 30  # drawn once and shown again and again, so that drawing costs nothing

FASTER = 2.0  # than the backend are the cameras, so that a pair always waits for it


class ReplayCamera:
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
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--turns", type=int, default=9, help="of the backend alone and in the loop")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each")
    options = parser.parse_args()
    pairs = synthetic_pairs(FRAMES)
    with closing(open_backend(options.model)) as backend:
        alone = [alone_ms(backend, pairs, options.seconds)]  # warms up, too
        fps = FASTER * 1000 / alone[0].p50
        full = []
        for _ in ProgressItems(range(options.turns), "measuring"):
            full.append(fuse_in_loop(backend, pairs, fps, options.seconds).fps)
            alone.append(alone_ms(backend, pairs, options.seconds))
        easy = fuse_in_loop(backend, pairs, fps / FASTER / 2, 4 * options.seconds)
    show(alone, full, easy)


@dataclass(frozen=True)
class BackendBaseline(Percentiles):
    """A backend in a bare loop: milliseconds of a frame, and frames a second."""

    fps: float


def alone_ms(backend: Backend, pairs: list[FramePair], seconds: float) -> BackendBaseline:
    """Fuse in a bare loop."""
    times_ms, end = [], time.perf_counter() + seconds
    for pair in cycle(pairs):
        begun = time.perf_counter()
        backend.fuse(pair.visible.pixels, pair.infrared.pixels)
        times_ms.append((time.perf_counter() - begun) * 1e3)
        if time.perf_counter() > end:
            break
    told = Percentiles.of(times_ms)
    return BackendBaseline(told.p50, told.p95, told.p99, len(times_ms) / sum(times_ms) * 1e3)


def fuse_in_loop(backend: Backend, pairs: list[FramePair], fps: float, seconds: float) -> RunReport:
    """Fuse in the live loop, from two cameras of this rate."""
    visible = ReplayCamera("visible", [pair.visible for pair in pairs], fps)
    infrared = ReplayCamera("infrared", [pair.infrared for pair in pairs], fps)
    with pair_live_cameras(visible, infrared) as stream:
        ending = Ending()
        Timer(seconds, ending.stop.set).start()
        return run_pipeline(stream, backend, NoSink(), ending=ending)


def show(alone: list[BackendBaseline], full: list[float], easy: RunReport) -> None:
    """Print the rate with cameras faster than the backend, and the latency with cameras half as fast."""
    console = Console(soft_wrap=True)
    ratios = [
        loop / ((before.fps + after.fps) / 2) for loop, (before, after) in zip(full, pairwise(alone), strict=True)
    ]
    own_fps, own_p95_ms = median(one.fps for one in alone), median(one.p95 for one in alone)
    console.print(
        f"backend alone {own_fps:.1f} fps; loop {median(full):.1f} fps; ratio {median(ratios):.3f} "
        f"(median of {counted(len(ratios), 'turn')}, {min(ratios):.3f} to {max(ratios):.3f})"
    )
    way = easy.capture_to_fused_ms
    if way is not None and easy.latency_ms is not None:
        console.print(
            f"capture to fused p95 {way.p95:.1f} ms; backend p95 {own_p95_ms:.1f} ms alone, "
            f"{easy.latency_ms.p95:.1f} ms in the loop; bound {own_p95_ms + 2000 / own_fps + 5:.1f} ms"
        )
    console.print("stages:", ", ".join(f"{stage.stage} p50 {stage.ms.p50:.1f} ms" for stage in easy.stages))


if __name__ == "__main__":
    main()
