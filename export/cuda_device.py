"""The CUDA device of this machine, asked of the driver alone.

TensorRT may end the process where there is no driver, so this stands before it: the same question, answered in words.
The functions and attribute numbers are those of the CUDA driver API, whose binary interface is stable.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

from coconet.errors import CoconetError

DRIVER_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"

COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76
NAME_BYTES = 256


@dataclass(frozen=True)
class CudaDevice:
    """A GPU: its name and its compute capability as (major, minor)."""

    name: str
    compute_capability: tuple[int, int]

    @property
    def sm(self) -> str:
        """The compute capability as compilers write it, such as `sm87`."""
        major, minor = self.compute_capability
        return f"sm{major}{minor}"


def first_cuda_device() -> CudaDevice:
    """Return device 0 of this process, after CUDA_VISIBLE_DEVICES. Raises CoconetError where there is none."""
    driver = _loaded_driver()
    _call(driver, "cuInit", 0)
    count, handle = ctypes.c_int(), ctypes.c_int()
    _call(driver, "cuDeviceGetCount", ctypes.byref(count))
    if count.value == 0:
        raise _no_device("a driver that sees no device")
    _call(driver, "cuDeviceGet", ctypes.byref(handle), 0)
    name = ctypes.create_string_buffer(NAME_BYTES)
    _call(driver, "cuDeviceGetName", name, NAME_BYTES, handle)
    major, minor = (_attribute(driver, at, handle) for at in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR))
    return CudaDevice(name.value.decode(errors="replace"), (major, minor))


def _loaded_driver() -> Any:
    try:
        return ctypes.CDLL(DRIVER_LIBRARY)
    except OSError as error:
        raise _no_device(f"no NVIDIA driver ({error})") from error


def _attribute(driver: Any, number: int, handle: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _call(driver, "cuDeviceGetAttribute", ctypes.byref(value), number, handle)
    return value.value


def _call(driver: Any, function: str, *arguments: Any) -> None:
    status = int(getattr(driver, function)(*arguments))
    if status != 0:
        name = ctypes.c_char_p()
        driver.cuGetErrorName(status, ctypes.byref(name))
        said = f"error {status}" if name.value is None else name.value.decode()
        raise _no_device(f"{said} from the driver's {function}")


def _no_device(got: str) -> CoconetError:
    return CoconetError(
        "CUDA device",
        wanted="an NVIDIA GPU with its driver on this machine",
        got=got,
        remedy="Build on the device that will run the engine, or name the GPU with --gpu sm86 to build without one.",
    )
