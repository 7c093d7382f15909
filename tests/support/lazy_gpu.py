"""A GPU that does nothing until somebody waits for it, and then only what that needs, so that missing order shows.

Memory is real memory of the host. `LazyCudart` speaks as cuda.bindings.runtime, `LazyPycuda` as pycuda.driver; both
count calls, keep what was not given back in `live`, and fail a call on request.
"""

# ruff: noqa: N802, N815  the names are those of the libraries

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np


class Op:
    """A piece of work on a stream, after all earlier pieces there and after `needs`."""

    def __init__(self, work: Callable[[], None], before: Op | None, needs: Op | None = None) -> None:
        self.work, self.before, self.needs, self.done = work, before, needs, False

    def run(self) -> None:
        if not self.done:
            self.done = True
            for earlier in (self.before, self.needs):
                if earlier is not None:
                    earlier.run()
            self.work()


class LazyGpu:
    """Streams and events by number, memory by address."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail_at: dict[str, int] = {}
        self.live: dict[int, str] = {}
        self.memory: dict[int, Any] = {}
        self.last: dict[int, Op] = {}
        self.marks: dict[int, Op] = {}
        self.recording: dict[int, list[Callable[[], None]]] = {}
        self._next = 1000

    def refuses(self, call: str) -> bool:
        """Note a call; True at the one that was asked to fail (1 is the first from now)."""
        self.calls.append(call)
        if call in self.fail_at:
            self.fail_at[call] -= 1
            return self.fail_at[call] == 0
        return False

    def make(self, kind: str) -> int:
        self._next += 1
        self.live[self._next] = kind
        return self._next

    def allocate(self, size: int, kind: str) -> int:
        buffer = (ctypes.c_uint8 * size)()
        address = ctypes.addressof(buffer)
        self.memory[address] = buffer
        self.live[address] = kind
        return address

    def free(self, handle: int) -> None:
        del self.live[handle]  # a second time is an error
        self.memory.pop(handle, None)

    def enqueue(self, stream: int, work: Callable[[], None], needs: Op | None = None) -> Op:
        assert self.live[stream] == "stream"
        if stream in self.recording:
            self.recording[stream].append(work)
        self.last[stream] = Op(work if stream not in self.recording else _nothing, self.last.get(stream), needs)
        return self.last[stream]

    def copy(self, to: int, source: int, size: int, stream: int) -> None:
        assert {to, source} <= self.memory.keys()

        def work() -> None:
            ctypes.memmove(to, source, size)

        self.enqueue(stream, work)

    def mark(self, event: int, stream: int) -> None:
        self.marks[event] = self.enqueue(stream, _nothing)

    def wait(self, stream: int, event: int) -> None:
        self.enqueue(stream, _nothing, self.marks.get(event))

    def finish(self, handle: int) -> None:
        op = self.marks.get(handle) if self.live[handle] == "event" else self.last.get(handle)
        if op is not None:
            op.run()


def _nothing() -> None:
    pass


class Status(IntEnum):
    cudaSuccess = 0
    cudaErrorMemoryAllocation = 2
    cudaErrorLaunchFailure = 719


class _Handle:
    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __int__(self) -> int:
        return self.number


OWN_TYPES = SimpleNamespace(
    cudaStream_t=type("cudaStream_t", (_Handle,), {}),
    cudaEvent_t=type("cudaEvent_t", (_Handle,), {}),
    cudaGraph_t=type("cudaGraph_t", (_Handle,), {}),
    cudaGraphExec_t=type("cudaGraphExec_t", (_Handle,), {}),
    cudaDeviceAttr=SimpleNamespace(cudaDevAttrIntegrated=18),
    cudaMemcpyKind=SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2),
    cudaStreamCaptureMode=SimpleNamespace(cudaStreamCaptureModeThreadLocal=1),
    cudaHostAllocDefault=0,
    cudaHostAllocMapped=2,
    cudaStreamNonBlocking=1,
    cudaEventDefault=0,
    cudaEventDisableTiming=2,
)


class LazyCudart:
    """The runtime API of a GPU; types: where handle classes and constants come from, cuda.bindings.runtime or ours."""

    def __init__(self, gpu: LazyGpu, integrated: bool = False, types: Any = OWN_TYPES) -> None:
        self.gpu, self._integrated, self._types = gpu, integrated, types
        self.threads: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        if not hasattr(LazyCudart, f"_{name}"):
            return getattr(self._types, name)
        function = getattr(self, f"_{name}")

        def call(*arguments: Any) -> tuple[Any, ...]:
            if self.gpu.refuses(name):
                return (Status.cudaErrorLaunchFailure, None)
            result = function(*arguments)
            return (Status.cudaSuccess,) if result is None else (Status.cudaSuccess, result)

        return call

    def _cudaSetDevice(self, device: int) -> None:
        assert device == 0
        self.threads.add(threading.get_ident())

    def _cudaDeviceGetAttribute(self, attribute: Any, device: int) -> int:
        assert int(attribute) == 18
        return int(self._integrated)

    def _cudaHostAlloc(self, size: int, flags: int) -> int:
        return self.gpu.allocate(size, "mapped" if flags == 2 else "pinned")

    def _cudaHostGetDevicePointer(self, address: int, flags: int) -> int:
        assert self.gpu.live[address] == "mapped"
        return address

    def _cudaMalloc(self, size: int) -> int:
        return self.gpu.allocate(size, "device")

    def _cudaFree(self, address: int) -> None:
        assert self.gpu.live[address] == "device"
        self.gpu.free(address)

    def _cudaFreeHost(self, address: int) -> None:
        assert self.gpu.live[address] in ("pinned", "mapped")
        self.gpu.free(address)

    def _cudaStreamCreateWithFlags(self, flags: int) -> Any:
        assert flags == 1
        return self._types.cudaStream_t(self.gpu.make("stream"))

    def _cudaStreamDestroy(self, stream: Any) -> None:
        self.gpu.free(int(stream))

    def _cudaEventCreateWithFlags(self, flags: int) -> Any:
        return self._types.cudaEvent_t(self.gpu.make("event"))

    def _cudaEventDestroy(self, event: Any) -> None:
        self.gpu.free(int(event))

    def _cudaMemcpyAsync(self, to: int, source: int, size: int, kind: Any, stream: Any) -> None:
        host, device = (source, to) if int(kind) == 1 else (to, source)
        assert (self.gpu.live[host], self.gpu.live[device]) == ("pinned", "device")
        self.gpu.copy(to, source, size, int(stream))

    def _cudaEventRecord(self, event: Any, stream: Any) -> None:
        self.gpu.mark(int(event), int(stream))

    def _cudaStreamWaitEvent(self, stream: Any, event: Any, flags: int) -> None:
        self.gpu.wait(int(stream), int(event))

    def _cudaEventSynchronize(self, event: Any) -> None:
        self.gpu.finish(int(event))

    def _cudaStreamSynchronize(self, stream: Any) -> None:
        self.gpu.finish(int(stream))

    def _cudaEventElapsedTime(self, start: Any, end: Any) -> float:
        return 1.5

    def _cudaStreamBeginCapture(self, stream: Any, mode: Any) -> None:
        self.gpu.recording[int(stream)] = []

    def _cudaStreamEndCapture(self, stream: Any) -> Any:
        graph = self._types.cudaGraph_t(self.gpu.make("graph"))
        self.gpu.memory[int(graph)] = self.gpu.recording.pop(int(stream))
        return graph

    def _cudaGraphInstantiate(self, graph: Any, flags: int) -> Any:
        executable = self._types.cudaGraphExec_t(self.gpu.make("executable"))
        self.gpu.memory[int(executable)] = self.gpu.memory[int(graph)]
        return executable

    def _cudaGraphDestroy(self, graph: Any) -> None:
        self.gpu.free(int(graph))

    def _cudaGraphExecDestroy(self, executable: Any) -> None:
        self.gpu.free(int(executable))

    def _cudaGraphLaunch(self, executable: Any, stream: Any) -> None:
        for work in self.gpu.memory[int(executable)]:
            self.gpu.enqueue(int(stream), work)


class PycudaError(Exception):
    pass


class LazyPycuda:
    """pycuda.driver of a GPU, which insists on a current context in the calling thread."""

    Error = PycudaError
    device_attribute = SimpleNamespace(INTEGRATED=18)
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    event_flags = SimpleNamespace(DEFAULT=0, DISABLE_TIMING=2)

    def __init__(self, gpu: LazyGpu, integrated: bool = False) -> None:
        self.gpu, self._integrated = gpu, integrated
        self.depth = threading.local()
        self.Context = SimpleNamespace(pop=self._pop)
        self.Device = lambda index: SimpleNamespace(
            get_attribute=lambda attribute: int(integrated),
            retain_primary_context=lambda: SimpleNamespace(push=self._push),
        )

    def init(self) -> None:
        self.gpu.calls.append("init")

    def _push(self) -> None:
        self._check("push")
        self.depth.now = getattr(self.depth, "now", 0) + 1

    def _pop(self) -> None:
        assert self.depth.now > 0
        self.depth.now -= 1

    def _check(self, call: str, needs_context: bool = False) -> None:
        assert not needs_context or getattr(self.depth, "now", 0) > 0, "no context is current in this thread"
        if self.gpu.refuses(call):
            raise PycudaError(f"{call} failed: launch failed")

    def pagelocked_empty(self, shape: int, dtype: Any, order: str = "C", mem_flags: int = 0) -> np.ndarray:
        self._check("pagelocked_empty", True)
        address = self.gpu.allocate(shape, "mapped" if mem_flags == 2 else "pinned")
        return np.asarray(_Pagelocked(self, address, shape))

    def mem_alloc(self, size: int) -> Any:
        self._check("mem_alloc", True)
        address = self.gpu.allocate(size, "device")
        driver = self

        class DeviceAllocation(int):
            def free(self) -> None:
                driver._check("free", True)
                driver.gpu.free(address)

        return DeviceAllocation(address)

    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: Any) -> None:
        self._check("memcpy_htod_async", True)
        self.gpu.copy(dest, src.ctypes.data, src.nbytes, stream.handle)

    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: Any) -> None:
        self._check("memcpy_dtoh_async", True)
        self.gpu.copy(dest.ctypes.data, src, dest.nbytes, stream.handle)

    def Stream(self, flags: int = 0) -> Any:
        return _PycudaObject(self, "stream")

    def Event(self, flags: int = 0) -> Any:
        return _PycudaObject(self, "event")


class _Pagelocked:
    """What `pagelocked_empty` gives as the array's base."""

    def __init__(self, driver: LazyPycuda, address: int, size: int) -> None:
        self._driver, self._address = driver, address
        data = (address, False)
        self.__array_interface__ = {"shape": (size,), "typestr": "|u1", "data": data, "version": 3}

    def free(self) -> None:
        self._driver._check("free", True)
        self._driver.gpu.free(self._address)

    def get_device_pointer(self) -> int:
        return self._address


class _PycudaObject:
    """A stream or an event, destroyed with its last reference, as pycuda does. An event shows no handle."""

    def __init__(self, driver: LazyPycuda, kind: str) -> None:
        driver._check(kind.capitalize(), True)
        self._driver, self._number = driver, driver.gpu.make(kind)
        if kind == "stream":
            self.handle = self._number

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            self._driver.gpu.free(self._number)

    def record(self, stream: Any) -> None:
        self._driver._check("record", True)
        self._driver.gpu.mark(self._number, stream.handle)

    def wait_for_event(self, event: Any) -> None:
        self._driver._check("wait_for_event", True)
        self._driver.gpu.wait(self._number, event._number)

    def synchronize(self) -> None:
        self._driver._check("synchronize", True)
        self._driver.gpu.finish(self._number)

    def time_till(self, end: Any) -> float:
        return 1.5
