"""The GPU libraries as they are: which is taken, and that the real cuda-python and pycuda know every call of ours."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.backends.tensorrt import gpu_memory
from coconet.runtime.backends.tensorrt import memory_cuda_python as gpu_cudart
from coconet.runtime.backends.tensorrt import memory_pycuda as gpu_pycuda
from coconet.runtime.backends.tensorrt.gpu_memory import open_gpu_memory
from coconet.runtime.backends.tensorrt.memory_cuda_python import CudartMemory
from coconet.runtime.backends.tensorrt.memory_pycuda import PycudaMemory
from tests.support.lazy_gpu import LazyCudart, LazyGpu, LazyPycuda
from tests.support.stub_libraries import stub_libraries

UNAVAILABLE = {35, 100, 34}
"""What the runtime API answers where there is no driver, no device, or only a stub of the driver."""


def use_everything(memory: Any) -> None:
    with memory.current():
        stream, other, start, end = memory.stream(), memory.stream(), memory.event(timed=True), memory.event(timed=True)
        host, mapped, device = memory.host(16), memory.host(16, mapped=True), memory.device(16)
        memory.upload(device.handle, host, stream)
        memory.download(host, device.handle, stream)
        memory.mark(start, stream)
        memory.mark(end, stream)
        memory.wait(other, end)
        memory.finish(end)
        memory.drain(stream)
        assert memory.elapsed_ms(start, end) == 1.5
        made = [stream, other, start, end, host, mapped, device]
        if memory.graphs is not None:
            graph = memory.graphs.record(stream, lambda: memory.upload(device.handle, host, stream))
            memory.graphs.launch(graph, stream)
            made.append(graph)
        for thing in made:
            thing.close()
            thing.close()


class RealCudart(LazyCudart):
    """Hands every call to the real runtime API first, which without a driver refuses it, but only if it fits."""

    def __init__(self, real: Any) -> None:
        super().__init__(LazyGpu(), types=real)
        self.real, self.asked = real, set[str]()

    def __getattr__(self, name: str) -> Any:
        if not hasattr(LazyCudart, f"_{name}"):
            return getattr(self.real, name)
        stand_in = super().__getattr__(name)

        def call(*arguments: Any) -> Any:
            self.asked.add(name)
            status = getattr(self.real, name)(*arguments)[0]
            assert int(status) in UNAVAILABLE, f"{name}: {status!r}"
            return stand_in(*arguments)

        return call


def test_the_real_cuda_python_takes_every_call() -> None:
    try:
        real = gpu_cudart.cudart_module()
    except MissingPackage as error:
        pytest.skip(str(error))
    if int(real.cudaGetDeviceCount()[0]) not in UNAVAILABLE:
        pytest.skip(
            "there is a GPU, which the addresses of a stand-in would upset; benchmarks/studies/transfer_ring.py uses it"
        )
    cudart = RealCudart(real)
    use_everything(CudartMemory(cudart))
    assert cudart.gpu.live == {}
    used = set(re.findall(r'"(cuda[A-Z]\w+)"|_cuda\.(cuda\w+)\(', Path(gpu_cudart.__file__).read_text()))
    assert {one or other for one, other in used} <= cudart.asked | {"cudaGraphDestroy", "cudaStreamEndCapture"}


PYCUDA = {
    "Stream": ("handle", "synchronize", "wait_for_event"),
    "Event": ("record", "synchronize", "time_till"),
    "Context": ("push", "pop"),
    "Device": ("get_attribute", "retain_primary_context"),
    "DeviceAllocation": ("free",),
    "PagelockedHostAllocation": ("free", "get_device_pointer"),
    "device_attribute": ("INTEGRATED",),
    "host_alloc_flags": ("DEVICEMAP",),
    "event_flags": ("DEFAULT", "DISABLE_TIMING"),
}
LIST = """
import json, sys
import pycuda.driver as driver
print(json.dumps([dir(driver), {name: dir(getattr(driver, name)) for name in sys.argv[1:]}]))
"""


def test_the_real_pycuda_has_every_name(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("pycuda")
    if spec is None or spec.origin is None:
        pytest.skip("no pycuda, which compiles when it is installed: pip install 'coconet-edge[pycuda]'")
    (binding,) = Path(spec.origin).parent.glob("_driver*.so")
    stub_libraries(tmp_path, binding, ("libcuda.so.1",), "cu[A-Z]")
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "libcuda.so.1")}
    command = [sys.executable, "-c", LIST, *PYCUDA]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    module, classes = json.loads(told.stdout)
    used = set(re.findall(r"(?:driver|self\._cuda)\.(\w+)", inspect.getsource(gpu_pycuda)))
    assert used - set(module) == set()
    assert {name: set(wanted) - set(classes[name]) for name, wanted in PYCUDA.items()} == {
        name: set() for name in PYCUDA
    }


def test_the_stand_in_for_pycuda_takes_every_call_too() -> None:
    gpu = LazyGpu()
    use_everything(PycudaMemory(LazyPycuda(gpu)))
    assert gpu.live == {}


def test_cuda_python_is_preferred_to_pycuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_cudart, "open_memory", lambda: CudartMemory(LazyCudart(LazyGpu())))
    monkeypatch.setattr(gpu_pycuda, "open_memory", lambda: PycudaMemory(LazyPycuda(LazyGpu())))
    assert open_gpu_memory().name == "cuda-python"
    assert open_gpu_memory("pycuda").name == "pycuda"


def test_pycuda_is_taken_where_cuda_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        if name.startswith("cuda"):
            raise ImportError(name)
        return importlib.__import__(name, fromlist=["_"])

    monkeypatch.setattr(gpu_pycuda, "open_memory", lambda: PycudaMemory(LazyPycuda(LazyGpu())))
    monkeypatch.setattr(importlib, "import_module", missing)
    assert open_gpu_memory().name == "pycuda"


def test_an_unknown_library_lists_the_known() -> None:
    with pytest.raises(CoconetError, match="wanted cuda-python or pycuda, got 'cupy'"):
        gpu_memory.open_gpu_memory("cupy")
