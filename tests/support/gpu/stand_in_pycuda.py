"""pycuda.driver over the stand-in for the CUDA driver, as pycuda itself wants NVIDIA's headers to be installed.

A context has to be current in the calling thread, memory is freed by `free`, and streams and events with their last
reference, as in pycuda.
"""

# ruff: noqa: N802  the names are those of pycuda

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np

from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.pycuda import PycudaMemory
from coconet.runtime.backends.gpu.refusal import OUT_OF_MEMORY, GpuRefused
from tests.support.gpu.stand_in_gpu import LAUNCH_FAILED, StandInGpu


def pycuda_memory(gpu: StandInGpu) -> PycudaMemory:
    """GPU memory through pycuda on the stand-in."""
    return PycudaMemory(StandInPycuda(Libcuda(str(gpu.path))))


class Error(Exception):
    pass


class PycudaMemoryError(Error):
    pass


class LaunchError(Error):
    pass


def without_references(function: Callable[..., Any]) -> Callable[..., Any]:
    """Raise pycuda's errors as compiled code does, without frames that keep the arguments alive."""

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Error as error:
            failed = type(error)(str(error))
        del arguments
        raise failed

    return call


class StandInPycuda:
    """The module pycuda.driver."""

    Error, MemoryError, LaunchError = Error, PycudaMemoryError, LaunchError
    device_attribute = SimpleNamespace(INTEGRATED=18)
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    event_flags = SimpleNamespace(DEFAULT=0, BLOCKING_SYNC=1, DISABLE_TIMING=2)

    def __init__(self, driver: Libcuda) -> None:
        self.driver = driver
        self.Context = SimpleNamespace(pop=lambda: self.call("cuCtxPopCurrent"))
        self.Device = lambda index: SimpleNamespace(
            get_attribute=lambda attribute: self.call("cuDeviceGetAttribute", attribute, index),
            retain_primary_context=lambda: self._context(self.call("cuDevicePrimaryCtxRetain", index)),
        )

    def call(self, function: str, *arguments: int) -> Any:
        with _pycudas_errors():
            return self.driver.call(function, *arguments)

    def init(self) -> None:
        self.call("cuInit", 0)

    def pagelocked_empty(self, shape: int, dtype: Any, order: str = "C", mem_flags: int = 0) -> np.ndarray:
        assert dtype == np.uint8
        return np.asarray(_Pagelocked(self, self.call("cuMemHostAlloc", shape, mem_flags), shape))

    def mem_alloc(self, size: int) -> Any:
        driver, address = self, self.call("cuMemAlloc", size)

        class DeviceAllocation(int):
            def free(self) -> None:
                driver.call("cuMemFree", address)

        return DeviceAllocation(address)

    @without_references
    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: Any) -> None:
        self.call("cuMemcpyHtoDAsync", dest, src.ctypes.data, src.nbytes, stream.handle)

    @without_references
    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: Any) -> None:
        self.call("cuMemcpyDtoHAsync", dest.ctypes.data, src, dest.nbytes, stream.handle)

    def Stream(self, flags: int = 0) -> Any:
        return _Stream(self, flags)

    def Event(self, flags: int = 0) -> Any:
        return _Event(self, flags)

    def _context(self, handle: int) -> Any:
        return SimpleNamespace(push=lambda: self.call("cuCtxPushCurrent", handle))


@contextmanager
def _pycudas_errors() -> Iterator[None]:
    try:
        yield
    except GpuRefused as error:
        kinds = {OUT_OF_MEMORY: PycudaMemoryError, LAUNCH_FAILED: LaunchError}
        raise kinds.get(error.code or 0, Error)(f"{error.call} failed: {error.got}") from error


class _Pagelocked:
    """What `pagelocked_empty` gives as the array's base."""

    def __init__(self, driver: StandInPycuda, address: int, size: int) -> None:
        self._driver, self._address = driver, address
        data = (address, False)
        self.__array_interface__ = {"shape": (size,), "typestr": "|u1", "data": data, "version": 3}

    def free(self) -> None:
        self._driver.call("cuMemFreeHost", self._address)

    def get_device_pointer(self) -> int:
        return int(self._driver.call("cuMemHostGetDevicePointer", self._address, 0))


class _Stream:
    """Destroyed with its last reference."""

    def __init__(self, driver: StandInPycuda, flags: int) -> None:
        self._driver = driver
        self.handle = driver.call("cuStreamCreate", flags)

    def __del__(self) -> None:
        with suppress(AttributeError, Error):  # not made, or a context that is lost: pycuda only warns
            self._driver.call("cuStreamDestroy", self.handle)

    @without_references
    def wait_for_event(self, event: _Event) -> None:
        self._driver.call("cuStreamWaitEvent", self.handle, event.number, 0)

    @without_references
    def synchronize(self) -> None:
        self._driver.call("cuStreamSynchronize", self.handle)


class _Event:
    """Destroyed with its last reference; pycuda shows no handle of it."""

    def __init__(self, driver: StandInPycuda, flags: int) -> None:
        self._driver = driver
        self.number = driver.call("cuEventCreate", flags)

    def __del__(self) -> None:
        with suppress(AttributeError, Error):
            self._driver.call("cuEventDestroy", self.number)

    @without_references
    def record(self, stream: _Stream) -> None:
        self._driver.call("cuEventRecord", self.number, stream.handle)

    @without_references
    def synchronize(self) -> None:
        self._driver.call("cuEventSynchronize", self.number)

    @without_references
    def time_till(self, end: _Event) -> float:
        return float(self._driver.call("cuEventElapsedTime", self.number, end.number))
