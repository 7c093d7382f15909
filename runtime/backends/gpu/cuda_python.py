"""The CUDA driver API through cuda-python: cuda.bindings.driver, or its older name cuda.cuda."""

from __future__ import annotations

import functools
import importlib
import logging
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from coconet.errors import MissingPackage
from coconet.runtime.backends.gpu.driver_memory import DriverMemory
from coconet.runtime.backends.gpu.refusal import SUCCESS, GpuRefused

LOG = logging.getLogger("coconet.gpu")

NAMES = ("cuda.bindings.driver", "cuda.cuda")

FIRST_WITHOUT_LOCK = (12, 9, 1)
"""The first version that lets other Python threads run while one waits for the GPU, as its sources show."""


@functools.cache
def open_memory() -> DriverMemory:
    """Open device 0 of this process, once.

    Raises MissingPackage if cuda-python is missing, and GpuRefused if it finds no driver that it can use.
    """
    memory = DriverMemory(CudaPython(driver_module()))
    warn_of_lock()
    return memory


def warn_of_lock() -> None:
    """Log a warning if the installed version holds Python's lock while it waits."""
    found = package_version()
    if found is not None and tuple(int(part) for part in re.findall(r"\d+", found)[:3]) < FIRST_WITHOUT_LOCK:
        LOG.warning(
            "cuda-python %s stops every other thread, cameras included, while a frame is on the GPU; "
            "install 12.9.1 or newer, or leave --gpu-library out",
            found,
        )


def driver_module() -> Any:
    """Import the driver API under the name this cuda-python has for it."""
    for name in NAMES:
        with suppress(ImportError):
            return importlib.import_module(name)
    raise MissingPackage("cuda-python", job="moving frames to the GPU", extra="gpu-cu13")


def package_version() -> str | None:
    """The version of the package that brings the driver API: cuda-bindings, or cuda-python before 12.8."""
    for package in ("cuda-bindings", "cuda-python"):
        with suppress(PackageNotFoundError):
            return version(package)
    return None


class CudaPython:
    """cuda-python's module of the driver API; implements the DriverApi of driver_memory.py."""

    name = "cuda-python"

    def __init__(self, module: Any) -> None:
        """Start the driver. Raises GpuRefused if it is missing or has no device."""
        self._module = module
        self.call("cuInit", 0)

    def call(self, function: str, *arguments: int) -> Any:
        """Call a function, which returns its status first, and give its result as a number, None if it has none."""
        try:
            status, *results = getattr(self._module, function)(*self._typed(function, arguments))
        except ValueError as error:  # it does not know this number of an error, which may be of a newer driver
            number = re.match(r"\d+", str(error))
            raise GpuRefused(function, str(error), int(number[0]) if number else None) from error
        except (RuntimeError, AttributeError) as error:  # no driver, or a function that this driver has not
            raise GpuRefused(function, str(error)) from error
        code = int(status)
        if code != SUCCESS:
            raise GpuRefused(function, getattr(status, "name", f"error {code}"), code)
        return _number(results[0]) if results else None

    def _typed(self, function: str, arguments: tuple[int, ...]) -> tuple[Any, ...]:
        """Older versions take these two numbers only as members of their enumerations."""
        if function == "cuDeviceGetAttribute":
            return (self._module.CUdevice_attribute(arguments[0]), *arguments[1:])
        if function == "cuStreamBeginCapture":
            return (arguments[0], self._module.CUstreamCaptureMode(arguments[1]))
        return arguments


def _number(result: Any) -> Any:
    return result if isinstance(result, float) else int(result)
