"""A loop that fuses in a thread for as long as something is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event

from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.sinks.sink import NoSink
from coconet.runtime.threads.background import Background

_START_S, _END_S = 120.0, 60.0


@contextmanager
def fusing(open_pairs: Callable[[], PairStream], model: str, gauge: RunStats) -> Iterator[Callable[[], int]]:
    """Fuse inside the block; give what counts the fused frames.

    What ended the loop early is raised after the block, and before it if that was before the first frame.
    """
    stop = Event()

    def loop() -> None:
        with closing(open_backend(model)) as backend, open_pairs() as pairs:
            gauge.watch(pairs.health, pairs.drift_px, pairs.pairing_trouble)
            run_pipeline(pairs, backend, NoSink(), gauge=gauge, ending=Ending(stop=stop))

    thread = Background(loop, "loop")
    thread.start()
    try:
        begun = time.monotonic()
        while not gauge.fused and thread.running and time.monotonic() - begun < _START_S:
            time.sleep(0.02)
        if not thread.running:
            thread.check()
        yield lambda: gauge.fused
    finally:
        stop.set()
        thread.stop(_END_S)
    thread.check()
