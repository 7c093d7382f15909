"""The benchmark of the frame ring: its sums on a stand-in, and the real thing where there is a GPU."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from coconet.benchmarks.machine import other_threads
from coconet.benchmarks.studies import transfer_ring as gpu_ring
from coconet.benchmarks.studies.transfer_ring import CHECKED_FRAMES, check, main, time_ring
from coconet.cards.engine_card import DeviceIdentity
from coconet.errors import CoconetError
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.gpu.memory import GpuObject
from coconet.runtime.backends.gpu.open_memory import LIBRARIES, open_gpu_memory
from coconet.runtime.backends.tensorrt import engine as trt_engine
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from tests.support.gpu.stand_in_gpu import StandInGpu
from tests.support.gpu.stand_in_tensorrt import StandInTensorRT, write_plan


class Idle:
    """An engine that does nothing."""

    capturable = True

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        pass


def test_the_check_moves_frames_through_every_kind_of_ring(
    driver: StandInGpu, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_ring, "LIBRARIES", ["libcuda"])
    assert main(["--check"]) == 0
    assert "libcuda: every frame came back as it was sent" in capsys.readouterr().out
    assert driver.works > 6 * CHECKED_FRAMES
    assert driver.living() == {}


def test_an_engine_file_is_timed_in_every_kind_of_ring(
    driver: StandInGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TIMED_FRAMES", "SHARED_FRAMES", "WARMUP_FRAMES", "CHECKED_FRAMES"):
        monkeypatch.setattr(gpu_ring, name, 4)
    monkeypatch.setattr(gpu_ring, "LIBRARIES", ["libcuda"])
    monkeypatch.setattr(gpu_ring, "share_left_by", lambda work: (work(), 1.0)[1])
    module = StandInTensorRT(driver)
    monkeypatch.setattr(trt_engine, "tensorrt_module", lambda job: module)
    engine, report = write_plan(tmp_path, device=DeviceIdentity("Stand-in", 8)), tmp_path / "ring.json"
    assert main(["--model", str(engine), "--height", "8", "--width", "12", "--json", str(report)]) == 0
    runs = json.loads(report.read_text())["runs"]
    assert [(run["depth"], run["zero_copy"], run["graph"]) for run in runs] == list(
        itertools.product((1, 3), (False, True), (False, True))
    )
    assert {run["gpu_share"] for run in runs} == {None}
    assert module.contexts == 0


def test_a_frame_that_comes_back_changed_is_noticed(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_ring, "CopyEngine", lambda size: Idle())
    with pytest.raises(CoconetError, match="frame 0, libcuda, depth 1, .* came back changed"):
        check(stand_in.memory(), 4, 6)


def test_figures_are_of_one_run(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIMED_FRAMES", "SHARED_FRAMES"):
        monkeypatch.setattr(gpu_ring, name, 10)
    monkeypatch.setattr(other_threads, "ROUNDS", 1)
    monkeypatch.setattr(other_threads, "SPAN_S", 0.02)
    run = time_ring(stand_in.memory(), Idle(), (4, 6), RingOptions(3), work=2e-6)
    assert (run.library, run.depth, run.graph) == ("libcuda", 3, True)
    assert run.gpu_share == pytest.approx(run.frames_per_second * 2e-6)
    assert 0 <= run.others_share < math.inf
    assert run.host_share == pytest.approx(run.host_ms * run.frames_per_second / 1e3)


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    assert main(["--check"]) == 2
    assert "CUDA device cannot be used" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ring_moves_frames_on_a_real_gpu(library: str) -> None:
    try:
        first_cuda_device()
        memory = open_gpu_memory(library)
    except CoconetError as error:
        pytest.skip(str(error))
    check(memory, 64, 96)
