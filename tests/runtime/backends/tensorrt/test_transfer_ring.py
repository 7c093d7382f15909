"""The frame ring on a compiled stand-in for the CUDA driver: order, graphs, errors, threads, leaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.gpu.memory import GpuMemory, GpuObject
from coconet.runtime.backends.gpu.refusal import GpuRefused
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.transfer_ring import FrameRing
from tests.support.gpu.ring_runs import (
    COUNTS,
    EVERY,
    FORGIVEN,
    PAIRS,
    SHAPES,
    all_right,
    count_while_waiting,
    fail_everywhere,
    fused_of,
    ring_on,
    through,
)
from tests.support.gpu.stand_in_gpu import StandInGpu, XorEngine
from tests.support.gpu.stand_in_pycuda import pycuda_memory

Memory = Callable[[StandInGpu], GpuMemory]

libraries = pytest.mark.parametrize("memory_of", [StandInGpu.memory, pycuda_memory], ids=["libcuda", "pycuda"])
every_option = pytest.mark.parametrize("options", EVERY, ids=str)
OF_DESTRUCTORS = {"cuStreamDestroy_v2", "cuEventDestroy_v2"}
"""What pycuda calls when the last reference goes, and cannot raise from."""


@libraries
@every_option
@pytest.mark.parametrize("lazy", [False, True])
def test_frames_come_back_fused_and_in_order(
    stand_in: StandInGpu, memory_of: Memory, options: RingOptions, lazy: bool
) -> None:
    stand_in.set(lazy=lazy)
    with ring_on(stand_in, memory_of(stand_in), options) as ring:
        assert all_right(through(ring))
        ring.close()


@libraries
@every_option
def test_wherever_the_gpu_fails_nothing_leaks_and_a_second_try_works(
    stand_in: StandInGpu, memory_of: Memory, options: RingOptions
) -> None:
    memory = memory_of(stand_in)
    _, calls, told = fail_everywhere(stand_in, memory, options, every=memory.name == "libcuda")
    assert told - FORGIVEN == calls - FORGIVEN - (OF_DESTRUCTORS if memory.name == "pycuda" else set())
    assert ("cuStreamSynchronize" in told) != options.zero_copy  # a table that goes up has to arrive


@every_option
def test_other_threads_go_on_while_one_waits_and_that_one_sleeps(stand_in: StandInGpu, options: RingOptions) -> None:
    assert count_while_waiting(stand_in, stand_in.memory(), options) == COUNTS
    assert stand_in.spins == 0


@libraries
def test_a_wait_spins_only_when_it_is_asked_to(stand_in: StandInGpu, memory_of: Memory) -> None:
    with ring_on(stand_in, memory_of(stand_in), RingOptions(spin=True)) as ring:
        through(ring)
    assert stand_in.spins == len(PAIRS)


def calls_of_last_frame(gpu: StandInGpu, options: RingOptions) -> list[str]:
    memory = gpu.memory()
    with ring_on(gpu, memory, options) as ring:
        through(ring)
        gpu.calls()
        ring.submit(*PAIRS[0])
        ring.collect()
        return gpu.calls()


def test_a_frame_alone_is_one_graph_with_its_copies(stand_in: StandInGpu) -> None:
    assert calls_of_last_frame(stand_in, RingOptions()) == ["cuGraphLaunch", "cuEventRecord", "cuEventSynchronize"]


@pytest.mark.parametrize("depth", [1, 3])
def test_both_pictures_go_up_in_one_copy(stand_in: StandInGpu, depth: int) -> None:
    calls = calls_of_last_frame(stand_in, RingOptions(depth, graph=False))
    assert [call for call in calls if "cpy" in call] == ["cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2"]


@pytest.mark.parametrize("depth", [1, 3])
def test_mapped_memory_is_not_copied_and_copies_are_the_rule(stand_in: StandInGpu, depth: int) -> None:
    stand_in.set(integrated=1)
    with ring_on(stand_in, stand_in.memory(), RingOptions(depth)):
        assert stand_in.living()["device"] == 2 * depth + 1  # and the table
    with ring_on(stand_in, stand_in.memory(), RingOptions(depth, zero_copy=True)) as ring:
        assert all_right(through(ring))
        assert {"device", "pinned"} & stand_in.living().keys() == set()
    assert stand_in.works == len(PAIRS) + 1  # the first table is all that was copied


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_engine_is_recorded_once_a_slot_and_then_replayed(stand_in: StandInGpu, depth: int) -> None:
    memory, engine = stand_in.memory(), XorEngine(stand_in, SHAPES["visible"])
    with memory.current():
        ring = FrameRing(memory, engine, SHAPES, RingOptions(depth))
        assert all_right(through(ring))
        ring.close()
    assert engine.enqueued == 2 * depth  # once as it is, once to record
    assert stand_in.calls().count("cuGraphLaunch") == len(PAIRS) - depth


def test_an_engine_that_cannot_be_captured_is_not(stand_in: StandInGpu) -> None:
    memory = stand_in.memory()
    with memory.current():
        ring = FrameRing(memory, XorEngine(stand_in, SHAPES["visible"], capturable=False), SHAPES, RingOptions())
        assert all_right(through(ring))
        ring.close()
    assert "cuStreamBeginCapture_v2" not in stand_in.calls()


@pytest.mark.parametrize("call", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"])
def test_an_engine_that_cannot_be_recorded_runs_as_it_is(
    stand_in: StandInGpu, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    stand_in.fail(call)
    with ring_on(stand_in, stand_in.memory(), RingOptions(2)) as ring:
        assert all_right(through(ring))
    assert caplog.text.count("without a CUDA graph") == 1


class Waiting(XorEngine):
    """Breaks the capture that it is part of, as an engine that allocates does."""

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        super().enqueue(addresses, stream)
        if self.enqueued == 2:
            memory = self.gpu.memory()
            with pytest.raises(GpuRefused, match="STREAM_CAPTURE_UNSUPPORTED"):
                memory.device(16)


def test_a_capture_that_the_engine_breaks_leaves_nothing_behind(
    stand_in: StandInGpu, caplog: pytest.LogCaptureFixture
) -> None:
    memory = stand_in.memory()
    with memory.current():
        ring = FrameRing(memory, Waiting(stand_in, SHAPES["visible"]), SHAPES, RingOptions())
        assert all_right(through(ring))
        ring.close()
    assert "without a CUDA graph: GPU, cuStreamEndCapture: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED" in caplog.text


@every_option
def test_after_an_error_a_ring_shows_nothing_any_more(stand_in: StandInGpu, options: RingOptions) -> None:
    with ring_on(stand_in, stand_in.memory(), options) as ring:
        through(ring)
        ring.submit(*PAIRS[0])
        stand_in.fail("cuEventSynchronize")
        with pytest.raises(GpuRefused):
            ring.collect()
        for call in (ring.collect, lambda: ring.submit(*PAIRS[1]), lambda: ring.times(*PAIRS[1], runs=1)):
            with pytest.raises(CoconetError, match="is of no more use, as something failed in it before"):
                call()


def test_a_lost_context_is_said_to_need_a_new_start(stand_in: StandInGpu) -> None:
    memory = stand_in.memory()
    with memory.current():
        ring = FrameRing(memory, XorEngine(stand_in, SHAPES["visible"]), SHAPES, RingOptions())
    stand_in.fail_work()
    with pytest.raises(GpuRefused, match="LAUNCH_FAILED.* start the program again") as told, memory.current():
        through(ring)
    stand_in.reset()
    with memory.current():
        ring.close()
    assert told.value.lost


@libraries
def test_several_threads_take_turns(stand_in: StandInGpu, memory_of: Memory) -> None:
    memory, lock, right = memory_of(stand_in), threading.Lock(), []
    with memory.current():
        ring = FrameRing(memory, XorEngine(stand_in, SHAPES["visible"]), SHAPES, RingOptions())

    def work(pair: tuple[np.ndarray, np.ndarray]) -> None:
        with lock, memory.current():
            ring.submit(*pair)
            right.append(np.array_equal(ring.collect(), fused_of(pair)))

    threads = [threading.Thread(target=work, args=(pair,)) for pair in PAIRS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with memory.current():
        ring.close()
    assert right == [True] * len(PAIRS)


def test_a_full_ring_and_an_empty_one_say_so_and_go_on(stand_in: StandInGpu) -> None:
    with ring_on(stand_in, stand_in.memory(), RingOptions()) as ring:
        with pytest.raises(CoconetError, match="has no pending frame to collect"):
            ring.collect()
        ring.submit(*PAIRS[0])
        with pytest.raises(CoconetError, match="already has 1 pending frame"):
            ring.submit(*PAIRS[1])
        assert np.array_equal(ring.collect(), fused_of(PAIRS[0]))


def test_a_ring_without_slots_is_refused() -> None:
    with pytest.raises(CoconetError, match="depth must be 1 or more, not 0"):
        RingOptions(0)
