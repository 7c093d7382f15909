"""Which library moves the frames: the one that was asked for, or the first that truly does it on this device."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.backends.gpu.memory import GpuMemory
from coconet.runtime.backends.gpu.open_memory import LIBRARIES, open_gpu_memory
from coconet.runtime.backends.gpu.refusal import GpuRefused
from tests.support.gpu.stand_in_gpu import StandInGpu
from tests.support.gpu.stand_in_pycuda import pycuda_memory

Offer = Callable[[], GpuMemory]


def missing() -> GpuMemory:
    raise MissingPackage("cuda-python", job="moving frames to the GPU")


def too_new() -> GpuMemory:
    raise GpuRefused("cudaSetDevice", "cudaErrorInsufficientDriver", 35)


def offer(monkeypatch: pytest.MonkeyPatch, **offers: Offer) -> None:
    """Put these in the place of the libraries, by the names of their modules."""
    for name, open_memory in offers.items():
        module = ModuleType(name)
        module.open_memory = open_memory  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"coconet.runtime.backends.gpu.{name}", module)


def test_the_drivers_own_library_comes_first_and_needs_no_package(
    stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, libcuda=stand_in.memory, cuda_python=pytest.fail, pycuda=pytest.fail)
    assert open_gpu_memory().name == "libcuda"


@pytest.mark.parametrize("call", ["cuMemAlloc_v2", "cuMemHostAlloc", "cuMemcpyHtoDAsync_v2", "cuEventSynchronize"])
def test_a_library_that_opens_and_cannot_move_bytes_is_passed_over(
    stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    offer(monkeypatch, libcuda=stand_in.memory, cuda_python=missing, pycuda=lambda: pycuda_memory(stand_in))
    stand_in.fail(call)
    assert open_gpu_memory().name == "pycuda"
    assert f"frames do not go through libcuda: GPU, {call.removesuffix('_v2')}" in caplog.text
    assert stand_in.living() == {}


def test_a_package_newer_than_the_driver_is_passed_over(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, libcuda=missing, cuda_python=too_new, pycuda=lambda: pycuda_memory(stand_in))
    assert open_gpu_memory().name == "pycuda"


def test_a_package_newer_than_the_driver_that_was_asked_for_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, cuda_python=too_new)
    with pytest.raises(GpuRefused, match=r"InsufficientDriver\. Update the NVIDIA driver, or leave --gpu-library out"):
        open_gpu_memory("cuda-python")


def test_where_none_works_the_drivers_own_answer_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module(LIBRARIES["libcuda"]).open_memory.cache_clear()
    monkeypatch.setattr(importlib.import_module(LIBRARIES["libcuda"]), "DRIVER_LIBRARY", "libno-such-driver.so.1")
    offer(monkeypatch, cuda_python=too_new, pycuda=missing)
    with pytest.raises(GpuRefused, match="no NVIDIA driver"):
        open_gpu_memory()


def test_a_package_that_was_asked_for_and_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, cuda_python=missing)
    with pytest.raises(MissingPackage, match="cuda-python (is not installed|does not load)"):
        open_gpu_memory("cuda-python")


def test_an_unknown_library_lists_the_known() -> None:
    with pytest.raises(CoconetError, match="must be libcuda or cuda-python or pycuda, not 'cupy'"):
        open_gpu_memory("cupy")
