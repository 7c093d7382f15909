"""Frame rings on the stand-in GPU: every kind of ring, an error at every call, and a count of what is left.

    python -m tests.support.gpu.ring_runs cuda-python every
    python -m tests.support.gpu.ring_runs cuda-python share

The first runs all of them through one library that finds the stand-in as libcuda.so.1, and prints what they came to;
the second prints how much other threads get done meanwhile.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from coconet.benchmarks.machine.other_threads import share_left_by
from coconet.errors import CoconetError
from coconet.runtime.backends.gpu.memory import GpuMemory
from coconet.runtime.backends.gpu.open_memory import open_gpu_memory
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.transfer_ring import FrameRing
from tests.support.gpu.stand_in_gpu import StandInGpu, XorEngine, driver_library

SHAPES = {"visible": (4, 6, 3), "infrared": (4, 6, 1), "fused": (4, 6, 3)}

RANDOM = np.random.default_rng(5)

PAIRS = [(RANDOM.integers(0, 256, (4, 6, 3), np.uint8), RANDOM.integers(0, 256, (4, 6, 1), np.uint8)) for _ in range(7)]

EVERY = [RingOptions(*options) for options in itertools.product((1, 2, 3), (False, True), (False, True))]
"""Depth 1 to 3, copies and zero copy, without and with graphs."""

GRAPHS = {"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"}

FORGIVEN = {"cuStreamSynchronize", *GRAPHS}
"""What a ring does without: waiting before it closes, and graphs. A table that goes up is waited for, and told."""

TABLE = RANDOM.random((1, 4, 6, 2), np.float32)
"""Of an engine that aligns by itself; XorEngine is handed it and does without."""

COUNTS = 1000


def fused_of(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """What XorEngine makes of a pair."""
    return np.asarray(pair[0] ^ pair[1])


@contextmanager
def ring_on(gpu: StandInGpu, memory: GpuMemory, options: RingOptions) -> Iterator[FrameRing]:
    """A ring of SHAPES around XorEngine, with a table for all its frames; closed at the end."""
    with memory.current():
        ring = FrameRing(memory, XorEngine(gpu, SHAPES["visible"]), SHAPES, options, TABLE)
        with closing(ring):
            yield ring


def through(ring: FrameRing) -> list[np.ndarray]:
    """Send every pair, as many at once as the ring takes, and give what comes back."""
    fused = []
    for pair in PAIRS:
        if ring.pending == ring.depth:
            fused.append(ring.collect())
        ring.submit(*pair)
    return fused + [ring.collect() for _ in range(ring.pending)]


def all_right(fused: Sequence[np.ndarray]) -> bool:
    """Whether these are the fused pictures of PAIRS, in order."""
    return all(np.array_equal(got, fused_of(pair)) for got, pair in zip(fused, PAIRS, strict=True))


def fails(gpu: StandInGpu, memory: GpuMemory, options: RingOptions) -> bool:
    """Send every pair, and time one; True if either ended in an error, with everything given back either way."""
    works: list[Callable[[FrameRing], bool]] = [lambda ring: all_right(through(ring))]
    works += [timed] if options.depth == 1 else []
    told = False
    for work in works:
        try:
            with ring_on(gpu, memory, options) as ring:
                assert work(ring)
        except CoconetError:
            told = True
        assert (gpu.living(), gpu.pushed) == ({}, 0)
    return told


def timed(ring: FrameRing) -> bool:
    """Time a pair in a new ring, three times over; whether each step took some time or none."""
    times = ring.times(*PAIRS[0], runs=3)
    return min(times.upload_ms, times.execute_ms, times.download_ms) >= 0


def fail_everywhere(
    gpu: StandInGpu, memory: GpuMemory, options: RingOptions, every: bool
) -> tuple[int, set[str], set[str]]:
    """Do as `fails` does once for every call of that, which then fails, or for the first and last of each function.

    Gives how often that was, the functions, and those of them that ended in an error.
    """
    gpu.calls()
    assert not fails(gpu, memory, options)
    calls, told, failed = gpu.calls(), set(), 0
    for call in dict.fromkeys(calls):
        last = calls.count(call)
        for nth in range(1, last + 1) if every else {1, last}:
            gpu.fail(call, nth)
            told |= {call} if fails(gpu, memory, options) else set()
            failed += 1
    assert not fails(gpu, memory, options)
    return failed, set(calls), told


def count_while_waiting(gpu: StandInGpu, memory: GpuMemory, options: RingOptions) -> int:
    """Wait for a frame that cannot end before another thread has counted; how far that came."""
    counted: list[int] = []
    back = threading.Event()

    def count() -> None:
        while not gpu.waiting and not back.is_set():
            pass
        while len(counted) < COUNTS and not back.is_set():
            counted.append(gpu.waiting)
        gpu.set(gate_shut=0)

    counter = threading.Thread(target=count)
    with ring_on(gpu, memory, options) as ring:
        gpu.set(gate_shut=1)
        ring.submit(*PAIRS[0])
        counter.start()
        fused = ring.collect()
        back.set()
        found = sum(counted)
    counter.join()
    assert np.array_equal(fused, fused_of(PAIRS[0]))
    return found


@dataclass
class Matrix:
    """What all runs through one library came to. unnoticed: calls whose failure no ring reported, and should have."""

    library: str
    kinds: int = 0
    runs: int = 0
    failed_calls: int = 0
    leaks: int = 0
    spins: int = 0
    counted: list[int] = field(default_factory=list)
    unnoticed: list[str] = field(default_factory=list)


def run_all(gpu: StandInGpu, memory: GpuMemory, every: bool) -> Matrix:
    """Run every kind of ring, eager and lazy, with errors as `fail_everywhere` makes them."""
    found = Matrix(memory.name)
    for options in EVERY:
        for lazy in (0, 1):
            gpu.set(lazy=lazy)
            assert not fails(gpu, memory, options)
        failed, calls, told = fail_everywhere(gpu, memory, options, every)
        found.kinds += 1
        found.failed_calls += failed
        found.runs += failed + 4
        found.unnoticed += sorted(calls - told - FORGIVEN)
        found.counted.append(count_while_waiting(gpu, memory, options))
    found.leaks, found.spins = sum(gpu.living().values()), gpu.spins
    return found


SHARED_KERNEL_US = 20_000


def shares_of_others(gpu: StandInGpu, memory: GpuMemory) -> dict[str, float]:
    """How often another thread runs while frames of 20 ms are on their way, by the ring's depth; 1 is unhindered."""
    found = {}
    gpu.set(lazy=0, kernel_us=SHARED_KERNEL_US)
    for options in (RingOptions(), RingOptions(depth=3)):
        with ring_on(gpu, memory, options) as ring:
            found[f"depth {options.depth}"] = round(share_left_by(partial(through, ring)), 3)
    return found


def main(library: str, *words: str) -> int:
    """Run in a process that finds the stand-in as libcuda.so.1, or start that process."""
    if "inside" not in words:
        environment = {**os.environ, "LD_LIBRARY_PATH": str(driver_library().parent)}
        command = [sys.executable, "-m", "tests.support.gpu.ring_runs", library, *words, "inside"]
        return subprocess.run(command, env=environment, check=False).returncode
    logging.getLogger("coconet.gpu").setLevel(logging.ERROR)  # graphs that are made to fail
    gpu, memory = StandInGpu("libcuda.so.1"), open_gpu_memory(library)
    found = shares_of_others(gpu, memory) if "share" in words else asdict(run_all(gpu, memory, "every" in words))
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
