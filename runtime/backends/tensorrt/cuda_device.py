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

INTEGRATED = 18

NAME_BYTES = 256

IN_DOCTOR = "Run on the device that has one; coconet doctor says what is missing here."


@dataclass(frozen=True)
class CudaDevice:
    """A GPU: its name, its compute capability as (major, minor), and whether it shares the host's memory (Jetson)."""

    name: str
    compute_capability: tuple[int, int]
    integrated: bool = False

    @property
    def sm(self) -> str:
        """The compute capability as compilers write it, such as `sm87`."""
        major, minor = self.compute_capability
        return f"sm{major}{minor}"


def first_cuda_device(remedy: str = IN_DOCTOR) -> CudaDevice:
    """Return device 0 of this process, after CUDA_VISIBLE_DEVICES.

    Raises CoconetError where there is none; remedy: what it then tells the user to do.
    """
    try:
        return _first_device()
    except _NoDevice as error:
        wanted = "an NVIDIA GPU with its driver on this machine"
        raise CoconetError("CUDA device", wanted=wanted, got=str(error), remedy=remedy) from error


class _NoDevice(Exception):
    """There is none; says what was got instead."""


def _first_device() -> CudaDevice:
    driver = _loaded_driver()
    _call(driver, "cuInit", 0)
    count, handle = ctypes.c_int(), ctypes.c_int()
    _call(driver, "cuDeviceGetCount", ctypes.byref(count))
    if count.value == 0:
        raise _NoDevice("a driver that sees no device")
    _call(driver, "cuDeviceGet", ctypes.byref(handle), 0)
    name = ctypes.create_string_buffer(NAME_BYTES)
    _call(driver, "cuDeviceGetName", name, NAME_BYTES, handle)
    numbers = (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR, INTEGRATED)
    major, minor, integrated = (_attribute(driver, number, handle) for number in numbers)
    return CudaDevice(name.value.decode(errors="replace"), (major, minor), bool(integrated))


def _loaded_driver() -> Any:
    try:
        return ctypes.CDLL(DRIVER_LIBRARY)
    except OSError as error:
        raise _NoDevice(f"no NVIDIA driver ({error})") from error


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
        raise _NoDevice(f"{said} from the driver's {function}")
