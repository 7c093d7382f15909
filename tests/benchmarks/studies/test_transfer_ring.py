"""The benchmark of the frame ring: its sums on a stand-in, and the real thing where there is a GPU."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from coconet.benchmarks.studies import transfer_ring as gpu_ring
from coconet.benchmarks.studies.transfer_ring import TorchEngine, check, main, time_ring
from coconet.errors import CoconetError
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.gpu.memory import GpuObject
from coconet.runtime.backends.gpu.open_memory import LIBRARIES, open_gpu_memory
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from tests.support.stand_in_gpu import StandInGpu


class Idle(TorchEngine):
    """An engine that does nothing, of a million operations per frame."""

    def __init__(self) -> None:
        self.tflop = 1e-6

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        pass


def test_a_frame_that_comes_back_changed_is_noticed(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_ring, "CopyEngine", lambda size: Idle())
    with pytest.raises(CoconetError, match="frame 0, libcuda, depth 1, .* wanted the picture sent, got another"):
        check(stand_in.memory(), 4, 6)


def test_figures_are_of_one_run(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_ring, "TIMED_FRAMES", 10)
    run = time_ring(stand_in.memory(), Idle(), (4, 6), RingOptions(3), peak=2.0)
    assert (run.library, run.depth, run.graph) == ("libcuda", 3, True)
    assert run.gpu_share == pytest.approx(run.frames_per_second * 1e-6 / 2.0)
    assert run.host_share == pytest.approx(run.host_ms * run.frames_per_second / 1e3)


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    assert main(["--check"]) == 2
    assert "wanted an NVIDIA GPU with its driver" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ring_moves_frames_on_a_real_gpu(library: str) -> None:
    try:
        first_cuda_device()
        memory = open_gpu_memory(library)
    except CoconetError as error:
        pytest.skip(str(error))
    check(memory, 64, 96)
