"""GPU memory: the contract of the calls that the engine path needs, whichever library answers them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from coconet.media.pixels import Pixels


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
    graphs: its CUDA graphs, None if the library has none. Calls raise GpuRefused of refusal.py if CUDA refuses.
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

    def event(self, timed: bool = False, spin: bool = False) -> GpuObject:
        """Make an event; timed: one that `elapsed_ms` can be asked of.

        spin: let who waits for it keep a processor core busy, which ends the wait a little sooner, and not sleep.
        """

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
