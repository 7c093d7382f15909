"""The CUDA device of this machine, asked of the driver alone.

TensorRT may end the process where there is no driver, so this stands before it: the same question, answered in words.
The functions and attribute numbers are those of the CUDA driver API, whose binary interface is stable.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.cards.engine_card import DeviceIdentity
from coconet.errors import CoconetError

DRIVER_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"

COMPUTE_CAPABILITY_MAJOR = 75

COMPUTE_CAPABILITY_MINOR = 76

INTEGRATED = 18

MULTIPROCESSORS = 16

BOARD_FILE = Path("/proc/device-tree/model")
"""Which board this is, on machines that are described by a device tree."""

NAME_BYTES = 256

VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"

IN_DOCTOR = "Run on the device that has one; coconet doctor says what is missing here."


@dataclass(frozen=True)
class CudaDevice:
    """A GPU: its name, its compute capability as (major, minor), and whether it shares the host's memory (Jetson).

    multiprocessors: how many it has. board: what an integrated one sits on; empty for a card.
    """

    name: str
    compute_capability: tuple[int, int]
    integrated: bool = False
    multiprocessors: int = 0
    board: str = ""

    @property
    def sm(self) -> str:
        """The compute capability as compilers write it, such as `sm87`."""
        major, minor = self.compute_capability
        return f"sm{major}{minor}"

    @property
    def identity(self) -> DeviceIdentity:
        """What engines that are built on it are good for: every Orin calls itself Orin, whatever the board."""
        return DeviceIdentity(self.name, self.multiprocessors, self.board)


def select_cuda_device(number: int | None, environment: MutableMapping[str, str] = os.environ) -> None:
    """Make one GPU the only one of this process, before anything asks the driver; None leaves the choice to it.

    number: as nvidia-smi counts, or a place in CUDA_VISIBLE_DEVICES if that is set. Every library of the process obeys.
    Raises CoconetError for a place that the variable does not have.
    """
    if number is None:
        return
    if listed := [name.strip() for name in environment.get(VISIBLE_DEVICES, "").split(",") if name.strip()]:
        if number >= len(listed):
            raise CoconetError(
                "--device",
                wanted=f"0 to {len(listed) - 1}, a place in {VISIBLE_DEVICES}={','.join(listed)}",
                got=str(number),
                remedy=f"Choose one of these, or unset {VISIBLE_DEVICES}.",
            )
        environment[VISIBLE_DEVICES] = listed[number]
        return
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the driver's own order is another one than nvidia-smi's
    environment[VISIBLE_DEVICES] = str(number)


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
    numbers = (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR, INTEGRATED, MULTIPROCESSORS)
    major, minor, integrated, multiprocessors = (_attribute(driver, number, handle) for number in numbers)
    board = _board() if integrated else ""
    return CudaDevice(name.value.decode(errors="replace"), (major, minor), bool(integrated), multiprocessors, board)


def _board() -> str:
    try:
        return BOARD_FILE.read_text(encoding="utf-8", errors="replace").rstrip("\0").strip()
    except OSError:
        return ""


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
