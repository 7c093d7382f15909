"""The CUDA driver by ctypes: its functions as they are exported, errors in words, and waits that sleep."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from coconet.runtime.backends.gpu.libcuda import SIGNATURES, SLEEPING_WAITS, Libcuda
from coconet.runtime.backends.gpu.refusal import LOST, GpuRefused
from tests.support.gpu.stand_in_gpu import LAUNCH_FAILED, StandInGpu

EXPORTED = {
    *("cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetAttribute"),
    *("cuDevicePrimaryCtxRetain", "cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2"),
    *("cuMemAlloc_v2", "cuMemFree_v2", "cuMemHostAlloc", "cuMemFreeHost", "cuMemHostGetDevicePointer_v2"),
    *("cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoDAsync_v2"),
    *("cuStreamCreate", "cuStreamDestroy_v2", "cuStreamSynchronize", "cuStreamWaitEvent"),
    *("cuStreamBeginCapture_v2", "cuStreamEndCapture"),
    *("cuEventCreate", "cuEventDestroy_v2", "cuEventRecord", "cuEventSynchronize", "cuEventElapsedTime"),
    *("cuGraphInstantiateWithFlags", "cuGraphDestroy", "cuGraphExecDestroy", "cuGraphLaunch"),
}
"""As CUDA 11.4 to 13 export them; the numbered ones have older namesakes with other arguments."""


def test_every_function_is_called_by_its_exported_name() -> None:
    assert {signature.symbol for signature in SIGNATURES.values()} == EXPORTED


def test_addresses_above_4_gib_pass_whole(stand_in: StandInGpu) -> None:
    driver, memory = Libcuda(str(stand_in.path)), stand_in.memory()
    with memory.current():
        buffer = memory.device(16)
        assert buffer.handle > 1 << 32
        with pytest.raises(GpuRefused, match="INVALID_VALUE"):
            driver.call("cuMemFree", buffer.handle & 0xFFFFFFFF)
        buffer.close()
        buffer.close()


def test_a_missing_library_is_a_sentence() -> None:
    with pytest.raises(GpuRefused, match=r"failed: no NVIDIA driver \(libno-such-driver"):
        Libcuda("libno-such-driver.so.1")


def test_a_driver_that_lacks_a_function_is_called_old(tmp_path: Path, stand_in: StandInGpu) -> None:
    source, library = tmp_path / "old.c", tmp_path / "old.so"
    source.write_text("int cuInit(unsigned flags) { return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    with pytest.raises(GpuRefused, match="the driver has no cuGraphInstantiateWithFlags: it is older than CUDA 11.4"):
        Libcuda(str(library)).call("cuGraphInstantiate", 0, 0)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (2, "Close other programs that use the GPU, or take smaller frames"),
        (803, "Update the NVIDIA driver"),
        (46, "nvidia-smi -c DEFAULT"),
        (100, "CUDA_VISIBLE_DEVICES"),
        (LAUNCH_FAILED, "start the program again"),
        (999, "coconet doctor"),
    ],
)
def test_an_error_says_what_helps_against_it(stand_in: StandInGpu, code: int, remedy: str) -> None:
    memory = stand_in.memory()
    stand_in.fail("cuMemAlloc_v2", code=code)
    with memory.current(), pytest.raises(GpuRefused, match=f"GPU, cuMemAlloc failed: .*{remedy}") as told:
        memory.device(16)
    assert (told.value.code, told.value.lost) == (code, code in LOST)


def test_waits_sleep_unless_somebody_uses_the_device_already(stand_in: StandInGpu) -> None:
    driver, flags, active = Libcuda(str(stand_in.path)), ctypes.c_uint(), ctypes.c_int()
    driver.let_waits_sleep(0)
    state = stand_in.library.cuDevicePrimaryCtxGetState
    state(0, ctypes.byref(flags), ctypes.byref(active))
    assert (flags.value, active.value) == (SLEEPING_WAITS, 0)
    stand_in.memory()
    stand_in.calls()
    driver.let_waits_sleep(0)
    assert stand_in.calls() == ["cuDevicePrimaryCtxGetState"]
