"""The real cuda-python in a process of its own, on a stand-in for the driver that it finds as libcuda.so.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from coconet.errors import MissingPackage
from coconet.runtime.backends.gpu import cuda_python
from tests.support.gpu.ring_runs import COUNTS, EVERY
from tests.support.gpu.stand_in_gpu import driver_library


def require_cuda_python() -> None:
    try:
        cuda_python.driver_module()
    except MissingPackage as error:
        pytest.skip(str(error))


def in_a_process(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(driver_library().parent)}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, timeout=300
    )


def test_every_ring_runs_through_the_real_cuda_python_and_nothing_leaks() -> None:
    require_cuda_python()
    said = in_a_process("-m", "tests.support.gpu.ring_runs", "cuda-python", "inside")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert (found["library"], found["kinds"], found["leaks"]) == ("cuda-python", len(EVERY), 0)
    assert (found["unnoticed"], found["spins"]) == ([], 0)
    assert found["counted"] == [COUNTS] * len(EVERY)


FAILING = """
from coconet.runtime.backends.gpu.open_memory import open_gpu_memory
from tests.support.gpu.stand_in_gpu import StandInGpu
gpu = StandInGpu("libcuda.so.1")
memory = open_gpu_memory("cuda-python")
for code in (2, 35):
    gpu.fail("cuMemAlloc_v2", code=code)
    try:
        with memory.current():
            memory.device(16)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_its_errors_are_sentences_with_what_helps() -> None:
    require_cuda_python()
    said = in_a_process("-c", FAILING)
    short, unknown = said.stdout.splitlines()
    assert short.startswith("GpuRefused GPU, cuMemAlloc failed: CUDA_ERROR_OUT_OF")
    assert "Close other programs" in short
    assert "failed: 35 is not a valid CUresult. Update the NVIDIA driver" in unknown  # an error newer than the package


def test_without_a_driver_the_real_cuda_python_says_so() -> None:
    require_cuda_python()
    code = "from coconet.runtime.backends.gpu.open_memory import open_gpu_memory as o\no('cuda-python')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if said.returncode == 0:
        pytest.skip("this machine has a driver")
    assert "GpuRefused: GPU, cuInit failed" in said.stderr


@pytest.mark.parametrize(
    ("version", "warned"),
    [("12.6.2.post1", True), ("12.8.0", True), ("12.9.0", True), ("12.9.1", False), ("13.0.0rc1", False)],
)
def test_versions_that_stop_other_threads_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str, warned: bool
) -> None:
    monkeypatch.setattr(cuda_python, "package_version", lambda: version)
    cuda_python.warn_of_lock()
    assert (f"cuda-python {version} stops every other thread" in caplog.text) == warned
