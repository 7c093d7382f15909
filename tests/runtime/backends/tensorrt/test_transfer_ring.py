"""The frame ring on a GPU that does only what it is waited for, with both libraries: order, overlap, errors, leaks."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.tensorrt.gpu_memory import GpuMemory, GpuObject
from coconet.runtime.backends.tensorrt.memory_cuda_python import CudartMemory
from coconet.runtime.backends.tensorrt.memory_pycuda import PycudaMemory
from coconet.runtime.backends.tensorrt.transfer_ring import FrameRing, RingOptions
from tests.support.lazy_gpu import LazyCudart, LazyGpu, LazyPycuda

SHAPES = {"visible": (4, 6, 3), "infrared": (4, 6, 1), "fused": (4, 6, 3)}
RANDOM = np.random.default_rng(5)
PAIRS = [(RANDOM.integers(0, 256, (4, 6, 3), np.uint8), RANDOM.integers(0, 256, (4, 6, 1), np.uint8)) for _ in range(7)]


def wanted(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.asarray(pair[0] ^ pair[1])


class XorEngine:
    """Fuses by exclusive or, when the stream comes to it."""

    def __init__(self, gpu: LazyGpu, capturable: bool = True) -> None:
        self.gpu, self.capturable, self.enqueued = gpu, capturable, 0

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        self.enqueued += 1
        self.gpu.enqueue(stream.handle, lambda: self._run(addresses))

    def _run(self, addresses: Mapping[str, int]) -> None:
        views = {
            name: np.ctypeslib.as_array((ctypes.c_uint8 * int(np.prod(shape))).from_address(addresses[name]))
            for name, shape in SHAPES.items()
        }
        views["fused"].reshape(4, 6, 3)[:] = views["visible"].reshape(4, 6, 3) ^ views["infrared"].reshape(4, 6, 1)


def memory_of(library: str, gpu: LazyGpu, integrated: bool = False) -> GpuMemory:
    if library == "pycuda":
        return PycudaMemory(LazyPycuda(gpu, integrated))
    return CudartMemory(LazyCudart(gpu, integrated))


libraries = pytest.mark.parametrize("library", ["pycuda", "cuda-python"])


@libraries
@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_frames_come_back_fused_and_in_order(library: str, integrated: bool, depth: int) -> None:
    gpu = LazyGpu()
    memory, engine = memory_of(library, gpu, integrated), XorEngine(gpu)
    fused = []
    with memory.current():
        ring = FrameRing(memory, engine, SHAPES, RingOptions(depth))
        for pair in PAIRS:
            if ring.pending == depth:
                fused.append(ring.collect())
            ring.submit(*pair)
        fused += [ring.collect() for _ in range(ring.pending)]
        ring.close()
        ring.close()
    assert all(np.array_equal(got, wanted(pair)) for got, pair in zip(fused, PAIRS, strict=True))
    assert gpu.live == {}


@libraries
def test_shared_memory_is_not_copied(library: str) -> None:
    gpu = LazyGpu()
    memory = memory_of(library, gpu, integrated=True)
    with memory.current():
        ring = FrameRing(memory, XorEngine(gpu), SHAPES, RingOptions())
        ring.submit(*PAIRS[0])
        assert np.array_equal(ring.collect(), wanted(PAIRS[0]))
        assert "device" not in gpu.live.values()
        ring.close()
    assert not [call for call in gpu.calls if "cpy" in call]


def one_by_one(memory: GpuMemory, engine: XorEngine) -> None:
    with memory.current():
        ring = FrameRing(memory, engine, SHAPES, RingOptions())
        for pair in PAIRS:
            ring.submit(*pair)
            assert np.array_equal(ring.collect(), wanted(pair))
        ring.close()


def test_the_engine_is_recorded_once_a_slot_and_then_replayed() -> None:
    gpu = LazyGpu()
    memory, engine = memory_of("cuda-python", gpu), XorEngine(gpu)
    one_by_one(memory, engine)
    assert engine.enqueued == 2  # once as it is, once to record
    assert gpu.calls.count("cudaGraphLaunch") == len(PAIRS) - 1
    assert gpu.live == {}


def test_an_engine_that_cannot_be_recorded_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    gpu = LazyGpu()
    gpu.fail_at["cudaGraphInstantiate"] = 1
    memory, engine = memory_of("cuda-python", gpu), XorEngine(gpu)
    one_by_one(memory, engine)
    assert "without a CUDA graph" in caplog.text
    assert gpu.live == {}


def calls_of_a_frame(library: str, integrated: bool) -> list[str]:
    gpu = LazyGpu()
    memory = memory_of(library, gpu, integrated)
    gpu.calls.clear()
    with memory.current():
        ring = FrameRing(memory, XorEngine(gpu), SHAPES, RingOptions(2))
        for pair in PAIRS[:2]:
            ring.submit(*pair)
        ring.collect()
    return [call for call in gpu.calls if call not in ("push", "cudaSetDevice")]


@libraries
@pytest.mark.parametrize("integrated", [False, True])
def test_wherever_the_gpu_fails_nothing_leaks_and_a_second_try_works(library: str, integrated: bool) -> None:
    calls = calls_of_a_frame(library, integrated)
    for call, nth in {(call, calls[: at + 1].count(call)) for at, call in enumerate(calls)}:
        gpu = LazyGpu()
        memory = memory_of(library, gpu, integrated)
        gpu.fail_at = {call: nth}
        with memory.current():
            with pytest.raises(CoconetError, match="launch failed|cudaErrorLaunchFailure"):
                run_two(memory, gpu)
            assert gpu.live == {}, call
            run_two(memory, gpu)


def run_two(memory: GpuMemory, gpu: LazyGpu) -> None:
    ring = FrameRing(memory, XorEngine(gpu), SHAPES, RingOptions(2))
    try:
        for pair in PAIRS[:2]:
            ring.submit(*pair)
        assert np.array_equal(ring.collect(), wanted(PAIRS[0]))
    finally:
        ring.close()


@libraries
def test_several_threads_take_turns(library: str) -> None:
    gpu = LazyGpu()
    memory, lock, right = memory_of(library, gpu), threading.Lock(), []
    with memory.current():
        ring = FrameRing(memory, XorEngine(gpu), SHAPES, RingOptions())

    def work(pair: tuple[np.ndarray, np.ndarray]) -> None:
        with lock, memory.current():
            ring.submit(*pair)
            right.append(np.array_equal(ring.collect(), wanted(pair)))

    threads = [threading.Thread(target=work, args=(pair,)) for pair in PAIRS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with memory.current():
        ring.close()
    assert right == [True] * len(PAIRS)
    assert gpu.live == {}


def test_a_full_ring_and_an_empty_one_say_so() -> None:
    gpu = LazyGpu()
    memory = memory_of("cuda-python", gpu)
    with memory.current():
        ring = FrameRing(memory, XorEngine(gpu), SHAPES, RingOptions())
        with pytest.raises(CoconetError, match="wanted a pending frame, got none"):
            ring.collect()
        ring.submit(*PAIRS[0])
        with pytest.raises(CoconetError, match="wanted a free slot, got 1 pending"):
            ring.submit(*PAIRS[1])
        ring.close()


def test_a_ring_without_slots_is_refused() -> None:
    with pytest.raises(CoconetError, match="depth: wanted 1 or more frames, got 0"):
        RingOptions(0)
