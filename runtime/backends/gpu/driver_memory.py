"""GPU memory by the CUDA driver API, called through ctypes (libcuda.py) or cuda-python (cuda_python.py)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import numpy as np

from coconet.errors import CoconetError
from coconet.runtime.backends.gpu.memory import GpuObject, HostBuffer

INTEGRATED = 18
"""CU_DEVICE_ATTRIBUTE_INTEGRATED; this and the other numbers are those of the driver API's header."""

PORTABLE = 1
"""CU_MEMHOSTALLOC_PORTABLE."""

MAPPED = 2
"""CU_MEMHOSTALLOC_DEVICEMAP."""

NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: a stream that does not wait for the default stream."""

BLOCKING_SYNC = 1
"""CU_EVENT_BLOCKING_SYNC: who waits for the event sleeps."""

DISABLE_TIMING = 2
"""CU_EVENT_DISABLE_TIMING."""

THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may use CUDA meanwhile."""


class DriverApi(Protocol):
    """The driver's functions by the names of its manual, such as cuMemAlloc. name: the library, for reports."""

    name: str

    def call(self, function: str, *arguments: int) -> Any:
        """Call a function with its arguments but for the pointer to its result, and return that result as a number.

        Raises GpuRefused if the driver does.
        """


class DriverMemory:
    """Implements the GpuMemory of memory.py for device 0 of this process.

    It uses the primary context, the one that TensorRT, ONNX Runtime and PyTorch use too, and keeps it for the life of
    the process, as they do: their objects may outlive ours.
    """

    def __init__(self, driver: DriverApi) -> None:
        """Retain the context. Raises GpuRefused if there is no device, or if it is taken."""
        self.name, self._driver = driver.name, driver
        self.graphs = DriverGraphs(driver)
        device = driver.call("cuDeviceGet", 0)
        self.integrated = bool(driver.call("cuDeviceGetAttribute", INTEGRATED, device))
        self._context = driver.call("cuDevicePrimaryCtxRetain", device)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Push the primary context, and pop it at the end of the block."""
        self._driver.call("cuCtxPushCurrent", self._context)
        try:
            yield
        except BaseException:
            with suppress(CoconetError):  # what went wrong in the block says more
                self._driver.call("cuCtxPopCurrent")
            raise
        self._driver.call("cuCtxPopCurrent")

    def host(self, size_bytes: int, mapped: bool = False) -> HostBuffer:
        """Allocate page-locked memory."""
        address = self._driver.call("cuMemHostAlloc", size_bytes, PORTABLE | (MAPPED if mapped else 0))
        owner = self._owned(address, "cuMemFreeHost")
        try:
            seen = self._driver.call("cuMemHostGetDevicePointer", address, 0) if mapped else None
        except BaseException:
            owner.close()
            raise
        memory = (ctypes.c_uint8 * size_bytes).from_address(address)
        return HostBuffer(np.ctypeslib.as_array(memory), seen, owner)

    def device(self, size_bytes: int) -> GpuObject:
        """Allocate memory of the GPU."""
        return self._owned(self._driver.call("cuMemAlloc", size_bytes), "cuMemFree")

    def stream(self) -> GpuObject:
        """Make a stream that does not wait for the default stream."""
        return self._owned(self._driver.call("cuStreamCreate", NON_BLOCKING), "cuStreamDestroy")

    def event(self, timed: bool = False, spin: bool = False) -> GpuObject:
        """Make an event."""
        flags = (0 if timed else DISABLE_TIMING) | (0 if spin else BLOCKING_SYNC)
        return self._owned(self._driver.call("cuEventCreate", flags), "cuEventDestroy")

    def upload(self, device_address: int, host: HostBuffer, stream: GpuObject) -> None:
        """Enqueue a copy to the GPU."""
        size = host.pixels.nbytes
        self._driver.call("cuMemcpyHtoDAsync", device_address, host.owner.handle, size, stream.handle)

    def download(self, host: HostBuffer, device_address: int, stream: GpuObject) -> None:
        """Enqueue a copy from the GPU."""
        size = host.pixels.nbytes
        self._driver.call("cuMemcpyDtoHAsync", host.owner.handle, device_address, size, stream.handle)

    def mark(self, event: GpuObject, stream: GpuObject) -> None:
        """Record the event on the stream."""
        self._driver.call("cuEventRecord", event.handle, stream.handle)

    def wait(self, stream: GpuObject, event: GpuObject) -> None:
        """Let the stream wait for the event."""
        self._driver.call("cuStreamWaitEvent", stream.handle, event.handle, 0)

    def finish(self, event: GpuObject) -> None:
        """Wait for the event."""
        self._driver.call("cuEventSynchronize", event.handle)

    def drain(self, stream: GpuObject) -> None:
        """Wait for the stream."""
        self._driver.call("cuStreamSynchronize", stream.handle)

    def elapsed_ms(self, start: GpuObject, end: GpuObject) -> float:
        """Return the time between two timed events."""
        return float(self._driver.call("cuEventElapsedTime", start.handle, end.handle))

    def _owned(self, handle: int, release: str) -> GpuObject:
        return GpuObject(handle, handle, lambda: self._driver.call(release, handle))


class DriverGraphs:
    """Implements the GraphRecorder of memory.py by stream capture."""

    def __init__(self, driver: DriverApi) -> None:
        self._driver = driver

    def record(self, stream: GpuObject, work: Callable[[], None]) -> GpuObject:
        """Capture what `work` enqueues.

        The capture is ended whatever happens, so that the stream can be used again after an error.
        """
        self._driver.call("cuStreamBeginCapture", stream.handle, THREAD_LOCAL)
        try:
            work()
        except BaseException:
            with suppress(CoconetError):  # the capture is broken; the first error says why
                self._driver.call("cuGraphDestroy", self._driver.call("cuStreamEndCapture", stream.handle))
            raise
        graph = self._driver.call("cuStreamEndCapture", stream.handle)
        try:
            executable = self._driver.call("cuGraphInstantiate", graph, 0)
        finally:
            with suppress(CoconetError):  # the executable graph stands on its own
                self._driver.call("cuGraphDestroy", graph)
        return GpuObject(executable, executable, lambda: self._driver.call("cuGraphExecDestroy", executable))

    def launch(self, graph: GpuObject, stream: GpuObject) -> None:
        """Enqueue a recorded graph."""
        self._driver.call("cuGraphLaunch", graph.handle, stream.handle)
