"""A loop that fuses in a thread for as long as something is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread

from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.loop.run_stats import Gauge
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.sinks.sink import NoSink

_START_S = 120.0


class _Enough(Exception):
    """Ends the loop from within: a painted rig never ends."""


@contextmanager
def fusing(open_pairs: Callable[[], PairStream], model: str, gauge: Gauge) -> Iterator[Callable[[], int]]:
    """Fuse inside the block; give who counts the fused frames. What ended the loop early is raised after the block."""
    fused, stopping, errors = [0], [False], []

    def on_frame(frame: object) -> None:
        fused[0] += 1
        if stopping[0]:
            raise _Enough

    def loop() -> None:
        try:
            with closing(open_backend(model)) as backend, open_pairs() as pairs:
                gauge.watch(pairs.health, pairs.drift_px)
                run_pipeline(pairs, backend, NoSink(), gauge=gauge)
        except _Enough:
            pass
        except Exception as error:
            errors.append(error)

    gauge.on_frame(on_frame)
    thread = Thread(target=loop, name="loop")
    thread.start()
    try:
        begun = time.monotonic()
        while not fused[0] and thread.is_alive() and time.monotonic() - begun < _START_S:
            time.sleep(0.02)
        yield lambda: fused[0]
    finally:
        stopping[0] = True
        thread.join()
    if errors:
        raise errors[0]
