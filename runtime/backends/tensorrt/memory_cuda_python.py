"""GPU memory through cuda-python, with CUDA graphs: cuda.bindings.runtime, or its older name cuda.cudart."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from coconet.errors import MissingPackage
from coconet.runtime.backends.tensorrt.gpu_memory import GpuObject, HostBuffer, gpu_refused

NAMES = ("cuda.bindings.runtime", "cuda.cudart")


def open_memory() -> CudartMemory:
    """Open device 0 of this process. Raises MissingPackage where cuda-python is missing."""
    return CudartMemory(cudart_module())


def cudart_module() -> Any:
    """Import the runtime API under the name this cuda-python has for it."""
    for name in NAMES:
        with suppress(ImportError):
            return importlib.import_module(name)
    raise MissingPackage("cuda-python", job="moving frames to the GPU", extra="gpu")


class CudartMemory:
    """Implements the GpuMemory of gpu_memory.py. The runtime API keeps the primary context by itself."""

    def __init__(self, runtime: Any, device: int = 0) -> None:
        self.name = "cuda-python"
        self._cuda, self._device = runtime, device
        self.graphs = CudartGraphs(runtime)
        with self.current():
            attribute = runtime.cudaDeviceAttr.cudaDevAttrIntegrated
            self.integrated = bool(_call(runtime, "cudaDeviceGetAttribute", attribute, device))

    @contextmanager
    def current(self) -> Iterator[None]:
        """Choose the device for this thread; the runtime API binds its primary context to the thread with that."""
        _call(self._cuda, "cudaSetDevice", self._device)
        yield

    def host(self, size_bytes: int, mapped: bool = False) -> HostBuffer:
        """Allocate page-locked memory."""
        flags = self._cuda.cudaHostAllocMapped if mapped else self._cuda.cudaHostAllocDefault
        address = int(_call(self._cuda, "cudaHostAlloc", size_bytes, flags))
        owner = self._owned(address, address, "cudaFreeHost")
        try:
            seen = int(_call(self._cuda, "cudaHostGetDevicePointer", address, 0)) if mapped else None
        except BaseException:
            owner.close()
            raise
        memory = (ctypes.c_uint8 * size_bytes).from_address(address)
        return HostBuffer(np.ctypeslib.as_array(memory), seen, owner)

    def device(self, size_bytes: int) -> GpuObject:
        """Allocate memory of the GPU."""
        address = int(_call(self._cuda, "cudaMalloc", size_bytes))
        return self._owned(address, address, "cudaFree")

    def stream(self) -> GpuObject:
        """Make a stream that does not wait for the default stream."""
        stream = _call(self._cuda, "cudaStreamCreateWithFlags", self._cuda.cudaStreamNonBlocking)
        return self._owned(int(stream), stream, "cudaStreamDestroy")

    def event(self, timed: bool = False) -> GpuObject:
        """Make an event."""
        flags = self._cuda.cudaEventDefault if timed else self._cuda.cudaEventDisableTiming
        event = _call(self._cuda, "cudaEventCreateWithFlags", flags)
        return self._owned(int(event), event, "cudaEventDestroy")

    def upload(self, device_address: int, host: HostBuffer, stream: GpuObject) -> None:
        """Enqueue a copy to the GPU."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        size = host.pixels.nbytes
        _call(self._cuda, "cudaMemcpyAsync", device_address, host.owner.handle, size, kind, stream.native)

    def download(self, host: HostBuffer, device_address: int, stream: GpuObject) -> None:
        """Enqueue a copy from the GPU."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        size = host.pixels.nbytes
        _call(self._cuda, "cudaMemcpyAsync", host.owner.handle, device_address, size, kind, stream.native)

    def mark(self, event: GpuObject, stream: GpuObject) -> None:
        """Record the event on the stream."""
        _call(self._cuda, "cudaEventRecord", event.native, stream.native)

    def wait(self, stream: GpuObject, event: GpuObject) -> None:
        """Let the stream wait for the event."""
        _call(self._cuda, "cudaStreamWaitEvent", stream.native, event.native, 0)

    def finish(self, event: GpuObject) -> None:
        """Wait for the event."""
        _call(self._cuda, "cudaEventSynchronize", event.native)

    def drain(self, stream: GpuObject) -> None:
        """Wait for the stream."""
        _call(self._cuda, "cudaStreamSynchronize", stream.native)

    def elapsed_ms(self, start: GpuObject, end: GpuObject) -> float:
        """Return the time between two timed events."""
        return float(_call(self._cuda, "cudaEventElapsedTime", start.native, end.native))

    def _owned(self, handle: int, native: Any, release: str) -> GpuObject:
        return GpuObject(handle, native, lambda: _call(self._cuda, release, native))


class CudartGraphs:
    """Implements coconet.runtime.backends.tensorrt.gpu_memory.GraphRecorder by stream capture."""

    def __init__(self, runtime: Any) -> None:
        self._cuda = runtime

    def record(self, stream: GpuObject, work: Callable[[], None]) -> GpuObject:
        """Capture what `work` enqueues. Other threads may go on using CUDA meanwhile (thread-local capture).

        The capture is ended whatever happens, so that the stream can be used again after an error.
        """
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _call(self._cuda, "cudaStreamBeginCapture", stream.native, mode)
        try:
            work()
        except BaseException:
            status, graph = self._cuda.cudaStreamEndCapture(stream.native)
            if int(status) == 0:
                self._cuda.cudaGraphDestroy(graph)
            raise
        graph = _call(self._cuda, "cudaStreamEndCapture", stream.native)
        try:
            executable = _call(self._cuda, "cudaGraphInstantiate", graph, 0)
        finally:
            self._cuda.cudaGraphDestroy(graph)  # the executable graph stands on its own
        return GpuObject(int(executable), executable, lambda: _call(self._cuda, "cudaGraphExecDestroy", executable))

    def launch(self, graph: GpuObject, stream: GpuObject) -> None:
        """Enqueue a recorded graph."""
        _call(self._cuda, "cudaGraphLaunch", graph.native, stream.native)


def _call(runtime: Any, function: str, *arguments: Any) -> Any:
    """Call a function of the runtime API, which returns its status first, and give its one result, if it has one."""
    status, *results = getattr(runtime, function)(*arguments)
    if int(status) != 0:
        raise gpu_refused(function, getattr(status, "name", f"error {int(status)}"))
    return results[0] if results else None
