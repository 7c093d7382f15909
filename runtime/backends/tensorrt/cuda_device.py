"""The CUDA device of this machine, asked of the driver alone.

TensorRT may end the process if there is no driver, so this stands before it: the same question, answered in words.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coconet.errors import CoconetError
from coconet.installation.kernel_files import board_name
from coconet.runtime.backends.gpu.driver_memory import INTEGRATED
from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.refusal import GpuRefused

if TYPE_CHECKING:
    from coconet.cards.engine_card import DeviceIdentity

COMPUTE_CAPABILITY_MAJOR = 75

COMPUTE_CAPABILITY_MINOR = 76

MULTIPROCESSORS = 16

VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"

DEVICE_ORDER = "CUDA_DEVICE_ORDER"

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
        from coconet.cards.engine_card import DeviceIdentity

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
                says=f"{number} is not in {VISIBLE_DEVICES}={','.join(listed)}, which leaves 0 to {len(listed) - 1}",
            )
        environment[VISIBLE_DEVICES] = listed[number]
        return
    environment[DEVICE_ORDER] = "PCI_BUS_ID"  # the driver's own order is another one than nvidia-smi's
    environment[VISIBLE_DEVICES] = str(number)
    if environment is os.environ and not _has_device():
        from coconet.terminal.notice import print_notice

        print_notice(f"--device {number} has no effect: the driver finds no such GPU on this machine.")


def _has_device() -> bool:
    """Whether the driver, asked now, has any GPU under the variables of this process."""
    try:
        first_cuda_device()
    except CoconetError:
        return False
    return True


def count_cuda_devices() -> int:
    """How many GPUs the driver has for this process, after CUDA_VISIBLE_DEVICES; 0 without a driver."""
    try:
        return int(Libcuda().call("cuDeviceGetCount"))
    except GpuRefused:
        return 0


def chosen_device(environment: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """The variables, with their values, that make another program see the same GPUs as this one."""
    return [(name, environment[name]) for name in (DEVICE_ORDER, VISIBLE_DEVICES) if name in environment]


def first_cuda_device(remedy: str = IN_DOCTOR) -> CudaDevice:
    """Return device 0 of this process, after CUDA_VISIBLE_DEVICES.

    Raises CoconetError if there is none; remedy: what it then tells the user to do.
    """
    try:
        return _first_device()
    except GpuRefused as error:
        wanted = "an NVIDIA GPU with its driver on this machine"
        got = error.got if error.code is None else f"{error.got} from the driver's {error.call}"
        raise CoconetError(
            "CUDA device", wanted=wanted, got=got, remedy=remedy, says=f"cannot be used: {got}"
        ) from error


def _first_device() -> CudaDevice:
    driver = Libcuda()
    if driver.call("cuDeviceGetCount") == 0:
        raise GpuRefused("cuDeviceGetCount", "the driver sees no device")
    device = driver.call("cuDeviceGet", 0)
    numbers = (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR, INTEGRATED, MULTIPROCESSORS)
    major, minor, integrated, multiprocessors = (driver.call("cuDeviceGetAttribute", one, device) for one in numbers)
    board = board_name() if integrated else ""
    return CudaDevice(driver.device_name(device), (major, minor), bool(integrated), multiprocessors, board)
