"""NVML: what NVIDIA's driver says of a GPU's power, clock, temperature, throttling and memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from coconet.benchmarks.machine.sensor import Reading
from coconet.errors import MissingPackage

try:
    import pynvml
except ImportError as error:
    raise MissingPackage("nvidia-ml-py", job="the power of an NVIDIA GPU", extra="bench") from error


MIB = 2**20


def open_nvml(index: int = 0) -> NvmlSensor:
    """Open the GPU of this number. Raises OSError if there is no driver or no such GPU."""
    try:
        pynvml.nvmlInit()
        return NvmlSensor(pynvml.nvmlDeviceGetHandleByIndex(index))
    except pynvml.NVMLError as error:
        raise OSError(str(error)) from error


def gpu_names() -> tuple[str, ...]:
    """Name, memory and driver of every GPU; none if there is no driver."""
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        driver = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return tuple(
            f"{pynvml.nvmlDeviceGetName(one)}, {pynvml.nvmlDeviceGetMemoryInfo(one).total / MIB:.0f} MiB, "
            f"driver {driver}"
            for one in handles
        )
    return ()


class NvmlSensor:
    """One GPU. What it does not support reads as None: boards differ."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.source = f"NVML, {pynvml.nvmlDeviceGetName(handle)}"

    def read(self) -> Reading:
        """Power of the board, clock of the multiprocessors, temperature of the chip, and what holds the clock down."""
        power = self._asked(pynvml.nvmlDeviceGetPowerUsage)
        reasons = self._asked(pynvml.nvmlDeviceGetCurrentClocksEventReasons)
        return Reading(
            power_w=None if power is None else power / 1e3,
            clock_mhz=self._asked(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM),
            temperature_c=self._asked(pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU),
            throttled=None if reasons is None else bool(reasons & ~_HARMLESS),
        )

    def device_mib(self, pid: int) -> float | None:
        """What the driver counts for a process; None for one without GPU memory."""
        for process in self._asked(pynvml.nvmlDeviceGetComputeRunningProcesses) or ():
            if process.pid == pid and process.usedGpuMemory is not None:
                return float(process.usedGpuMemory / MIB)
        return None

    def close(self) -> None:
        """Let the driver's library go."""
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()

    def _asked(self, question: Any, *details: Any) -> Any:
        try:
            return question(self._handle, *details)
        except pynvml.NVMLError:
            return None


_HARMLESS = pynvml.nvmlClocksEventReasonGpuIdle | pynvml.nvmlClocksEventReasonApplicationsClocksSetting
"""Reasons for a low clock that are somebody's wish."""
