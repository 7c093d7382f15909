"""pycuda as it is: that the real one knows every name of ours, and that its errors keep their kind."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.runtime.backends.gpu import pycuda
from coconet.runtime.backends.gpu.refusal import GpuRefused
from tests.support.gpu.stand_in_gpu import LAUNCH_FAILED, StandInGpu
from tests.support.gpu.stand_in_pycuda import pycuda_memory
from tests.support.models.stub_libraries import stub_libraries

PYCUDA = {
    "Stream": ("handle", "synchronize", "wait_for_event"),
    "Event": ("record", "synchronize", "time_till"),
    "Context": ("push", "pop"),
    "Device": ("get_attribute", "retain_primary_context"),
    "DeviceAllocation": ("free",),
    "PagelockedHostAllocation": ("free", "get_device_pointer"),
    "device_attribute": ("INTEGRATED",),
    "host_alloc_flags": ("DEVICEMAP",),
    "event_flags": ("DEFAULT", "BLOCKING_SYNC", "DISABLE_TIMING"),
}
LIST = """
import json, sys
import pycuda.driver as driver
print(json.dumps([dir(driver), {name: dir(getattr(driver, name)) for name in sys.argv[1:]}]))
"""


def test_the_real_pycuda_has_every_name(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("pycuda")
    if spec is None or spec.origin is None:
        pytest.skip("no pycuda, which compiles when it is installed: the extra pycuda brings it")
    (binding,) = Path(spec.origin).parent.glob("_driver*.so")
    stub_libraries(tmp_path, binding, ("libcuda.so.1",), "cu[A-Z]")
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "libcuda.so.1")}
    command = [sys.executable, "-c", LIST, *PYCUDA]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    module, classes = json.loads(told.stdout)
    used = set(re.findall(r"(?:driver|self\._cuda)\.(\w+)", inspect.getsource(pycuda)))
    assert used - set(module) == set()
    assert {name: set(wanted) - set(classes[name]) for name, wanted in PYCUDA.items()} == {
        name: set() for name in PYCUDA
    }


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(2, "Close other programs that use the GPU"), (LAUNCH_FAILED, "start the program again"), (1, "coconet doctor")],
)
def test_an_error_says_what_helps_against_it(stand_in: StandInGpu, code: int, remedy: str) -> None:
    memory = pycuda_memory(stand_in)
    stand_in.fail("cuMemAlloc_v2", code=code)
    with (
        memory.current(),
        pytest.raises(GpuRefused, match=f"mem_alloc failed: .*cuMemAlloc failed: CUDA_ERROR.* {remedy}"),
    ):
        memory.device(16)
