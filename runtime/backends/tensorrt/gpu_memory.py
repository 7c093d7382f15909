"""GPU memory: the contract of about ten calls that the engine path needs, and the one function that opens it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from coconet.errors import CoconetError, MissingPackage
from coconet.media.pixels import Pixels

LIBRARIES = {
    "cuda-python": "coconet.runtime.backends.tensorrt.memory_cuda_python",
    "pycuda": "coconet.runtime.backends.tensorrt.memory_pycuda",
}
"""Where each library's implementation lies, the preferred one first: only cuda-python records CUDA graphs."""


class GpuObject:
    """Something on the GPU that has to be given back: memory, a stream, an event or a graph.

    handle: its address or CUDA handle as a number. native: the library's own object.
    """

    def __init__(self, handle: int, native: Any, release: Callable[[], None]) -> None:
        self.handle, self.native = handle, native
        self._release: Callable[[], None] | None = release

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        release, self._release, self.native = self._release, None, None
        if release is not None:
            release()


@dataclass(frozen=True)
class HostBuffer:
    """Page-locked memory of the host, which the GPU copies from and to by itself.

    pixels: its bytes, uint8 of shape (size,); not to be touched after `close`.
    device_address: where the GPU sees the same bytes, if the buffer is mapped; None otherwise.
    """

    pixels: Pixels
    device_address: int | None
    owner: GpuObject

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        self.owner.close()


class GraphRecorder(Protocol):
    """CUDA graphs, where the library has them."""

    def record(self, stream: GpuObject, work: Callable[[], None]) -> GpuObject:
        """Record what `work` enqueues on the stream, without running it, and return the graph."""

    def launch(self, graph: GpuObject, stream: GpuObject) -> None:
        """Enqueue a recorded graph."""


class GpuMemory(Protocol):
    """Memory, streams and events of device 0. Every call but `current` needs to be inside `with current()`.

    name: the library. integrated: whether GPU and host share their memory, as on a Jetson.
    graphs: its CUDA graphs, None where the library has none. Calls raise CoconetError where CUDA refuses.
    """

    name: str
    integrated: bool

    @property
    def graphs(self) -> GraphRecorder | None:
        """What records CUDA graphs."""

    def current(self) -> AbstractContextManager[None]:
        """Make the device's primary context that of the calling thread for the length of a `with` block."""

    def host(self, size_bytes: int, mapped: bool = False) -> HostBuffer:
        """Allocate page-locked memory; mapped: the GPU can read and write it in place."""

    def device(self, size_bytes: int) -> GpuObject:
        """Allocate memory of the GPU."""

    def stream(self) -> GpuObject:
        """Make a stream that does not wait for the default stream."""

    def event(self, timed: bool = False) -> GpuObject:
        """Make an event; timed: one that `elapsed_ms` can be asked of."""

    def upload(self, device_address: int, host: HostBuffer, stream: GpuObject) -> None:
        """Enqueue a copy of the whole host buffer to the GPU."""

    def download(self, host: HostBuffer, device_address: int, stream: GpuObject) -> None:
        """Enqueue a copy from the GPU that fills the host buffer."""

    def mark(self, event: GpuObject, stream: GpuObject) -> None:
        """Let the event happen when the stream has done what was enqueued so far."""

    def wait(self, stream: GpuObject, event: GpuObject) -> None:
        """Let what is enqueued on the stream from now on wait for the event."""

    def finish(self, event: GpuObject) -> None:
        """Let the calling thread wait for an event."""

    def drain(self, stream: GpuObject) -> None:
        """Let the calling thread wait for all that is enqueued on a stream."""

    def elapsed_ms(self, start: GpuObject, end: GpuObject) -> float:
        """Return the time between two timed events that have both happened."""


def open_gpu_memory(library: str | None = None) -> GpuMemory:
    """Open GPU memory with a library of LIBRARIES; None takes the first that is installed.

    Raises MissingPackage where none is, and CoconetError where the library finds no device.
    """
    if library is not None and library not in LIBRARIES:
        raise CoconetError(
            "GPU library",
            wanted=" or ".join(LIBRARIES),
            got=repr(library),
            remedy="Leave it out to take what is installed.",
        )
    if library is not None:
        return _opened(library)
    for name in LIBRARIES:
        with suppress(MissingPackage):
            return _opened(name)
    raise MissingPackage("cuda-python or pycuda", job="moving frames to the GPU", extra="gpu")


def _opened(library: str) -> GpuMemory:
    memory: GpuMemory = importlib.import_module(LIBRARIES[library]).open_memory()
    return memory


def gpu_refused(call: str, reason: str) -> CoconetError:
    """Say in words that CUDA refused a call."""
    return CoconetError(
        f"GPU, {call}",
        wanted="a call that CUDA accepts",
        got=reason,
        remedy="Close other programs that use the GPU if memory is short; otherwise see coconet doctor.",
    )
