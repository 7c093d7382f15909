"""GPU memory through pycuda, which has no CUDA graphs and wants its context pushed in every thread."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from coconet.errors import MissingPackage
from coconet.runtime.backends.gpu.memory import GpuObject, HostBuffer
from coconet.runtime.backends.gpu.refusal import LAUNCH_FAILED, OUT_OF_MEMORY, GpuRefused


def open_memory() -> PycudaMemory:
    """Open device 0 of this process. Raises MissingPackage if pycuda or the driver's library is missing."""
    try:
        driver = importlib.import_module("pycuda.driver")
    except ImportError as error:
        raise MissingPackage("pycuda", job="moving frames to the GPU", extra="pycuda") from error
    return PycudaMemory(driver)


class PycudaMemory:
    """Implements the GpuMemory of memory.py.

    pycuda frees what is no longer referenced only in the thread whose context is current. So everything is given back
    inside `current()`, where the context on the thread's stack is the very object the memory was made in.
    """

    graphs = None

    def __init__(self, driver: Any) -> None:
        self.name = "pycuda"
        self._cuda = driver
        with _words(driver, "opening the device"):
            self._context, self.integrated = _primary_context(driver)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Push the primary context, and pop it at the end of the block."""
        with _words(self._cuda, "pushing the context"):
            self._context.push()
        try:
            yield
        except BaseException:
            with suppress(self._cuda.Error):  # what went wrong in the block says more
                self._cuda.Context.pop()
            raise
        with _words(self._cuda, "popping the context"):
            self._cuda.Context.pop()

    def host(self, size_bytes: int, mapped: bool = False) -> HostBuffer:
        """Allocate page-locked memory."""
        flags = self._cuda.host_alloc_flags.DEVICEMAP if mapped else 0
        with _words(self._cuda, "pagelocked_empty"):
            pixels = self._cuda.pagelocked_empty(size_bytes, np.uint8, mem_flags=flags)
        memory = pixels.base
        owner = self._owned(pixels.ctypes.data, memory)
        try:
            with _words(self._cuda, "get_device_pointer"):
                seen = int(memory.get_device_pointer()) if mapped else None
        except BaseException:
            owner.close()
            raise
        return HostBuffer(pixels, seen, owner)

    def device(self, size_bytes: int) -> GpuObject:
        """Allocate memory of the GPU."""
        with _words(self._cuda, "mem_alloc"):
            memory = self._cuda.mem_alloc(size_bytes)
        return self._owned(int(memory), memory)

    def stream(self) -> GpuObject:
        """Make a stream that does not wait for the default stream."""
        with _words(self._cuda, "Stream"):
            stream = self._cuda.Stream(NON_BLOCKING)
        return GpuObject(int(stream.handle), stream, _dropped)

    def event(self, timed: bool = False, spin: bool = False) -> GpuObject:
        """Make an event."""
        flags = self._cuda.event_flags
        chosen = (flags.DEFAULT if timed else flags.DISABLE_TIMING) | (flags.DEFAULT if spin else flags.BLOCKING_SYNC)
        with _words(self._cuda, "Event"):
            event = self._cuda.Event(chosen)
        return GpuObject(id(event), event, _dropped)  # pycuda shows no handle of an event

    def upload(self, device_address: int, host: HostBuffer, stream: GpuObject) -> None:
        """Enqueue a copy to the GPU."""
        with _words(self._cuda, "memcpy_htod_async"):
            self._cuda.memcpy_htod_async(device_address, host.pixels, stream.native)

    def download(self, host: HostBuffer, device_address: int, stream: GpuObject) -> None:
        """Enqueue a copy from the GPU."""
        with _words(self._cuda, "memcpy_dtoh_async"):
            self._cuda.memcpy_dtoh_async(host.pixels, device_address, stream.native)

    def mark(self, event: GpuObject, stream: GpuObject) -> None:
        """Record the event on the stream."""
        with _words(self._cuda, "Event.record"):
            event.native.record(stream.native)

    def wait(self, stream: GpuObject, event: GpuObject) -> None:
        """Let the stream wait for the event."""
        with _words(self._cuda, "Stream.wait_for_event"):
            stream.native.wait_for_event(event.native)

    def finish(self, event: GpuObject) -> None:
        """Wait for the event."""
        with _words(self._cuda, "Event.synchronize"):
            event.native.synchronize()

    def drain(self, stream: GpuObject) -> None:
        """Wait for the stream."""
        with _words(self._cuda, "Stream.synchronize"):
            stream.native.synchronize()

    def elapsed_ms(self, start: GpuObject, end: GpuObject) -> float:
        """Return the time between two timed events."""
        with _words(self._cuda, "Event.time_till"):
            return float(start.native.time_till(end.native))

    def _owned(self, handle: int, memory: Any) -> GpuObject:
        def free() -> None:
            with _words(self._cuda, "free"):
                memory.free()

        return GpuObject(handle, memory, free)


NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING of the CUDA driver API, for which pycuda has no name."""


def _dropped() -> None:
    """Streams and events have no `free`: pycuda destroys them with the last reference, which GpuObject drops."""


@functools.cache
def _primary_context(driver: Any) -> tuple[Any, bool]:
    """Retain the primary context, which TensorRT uses too, once for the process, as the runtime API does."""
    driver.init()
    device = driver.Device(0)
    integrated = bool(device.get_attribute(driver.device_attribute.INTEGRATED))
    return device.retain_primary_context(), integrated


@contextmanager
def _words(driver: Any, call: str) -> Iterator[None]:
    """Turn pycuda's errors into ours."""
    try:
        yield
    except driver.Error as error:
        raise GpuRefused(call, str(error), _code(driver, error)) from error


def _code(driver: Any, error: Exception) -> int | None:
    """Pycuda tells the kind of an error by its class, not by its number."""
    if isinstance(error, driver.MemoryError):
        return OUT_OF_MEMORY
    return LAUNCH_FAILED if isinstance(error, driver.LaunchError) else None
