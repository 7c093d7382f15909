"""The CUDA driver API by ctypes: libcuda.so.1 comes with the driver itself, so that no package has to match it.

ctypes lets other Python threads run during every call, the waiting ones included. The symbols are the ones that drivers
export since CUDA 11.4; the binary interface of each is stable.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from ctypes import c_char_p, c_float, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

from coconet.runtime.backends.gpu.driver_memory import DriverMemory
from coconet.runtime.backends.gpu.refusal import SUCCESS, GpuRefused

DRIVER_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"

NAME_BYTES = 256

CType = Any
"""A type of ctypes, such as c_int."""


@dataclass(frozen=True)
class Signature:
    """How the driver exports a function.

    takes: its arguments, without the pointer to its result. gives: the type of the result, None if it has none.
    gives_last: the pointer to the result is the last argument and not the first.
    """

    symbol: str
    takes: tuple[CType, ...] = ()
    gives: CType | None = None
    gives_last: bool = False


SIGNATURES = {
    "cuInit": Signature("cuInit", (c_uint,)),
    "cuDriverGetVersion": Signature("cuDriverGetVersion", (), c_int),
    "cuDeviceGetCount": Signature("cuDeviceGetCount", (), c_int),
    "cuDeviceGet": Signature("cuDeviceGet", (c_int,), c_int),
    "cuDeviceGetAttribute": Signature("cuDeviceGetAttribute", (c_int, c_int), c_int),
    "cuDevicePrimaryCtxRetain": Signature("cuDevicePrimaryCtxRetain", (c_int,), c_void_p),
    "cuCtxPushCurrent": Signature("cuCtxPushCurrent_v2", (c_void_p,)),
    "cuCtxPopCurrent": Signature("cuCtxPopCurrent_v2", (), c_void_p),
    "cuMemAlloc": Signature("cuMemAlloc_v2", (c_size_t,), c_uint64),
    "cuMemFree": Signature("cuMemFree_v2", (c_uint64,)),
    "cuMemHostAlloc": Signature("cuMemHostAlloc", (c_size_t, c_uint), c_void_p),
    "cuMemFreeHost": Signature("cuMemFreeHost", (c_void_p,)),
    "cuMemHostGetDevicePointer": Signature("cuMemHostGetDevicePointer_v2", (c_void_p, c_uint), c_uint64),
    "cuMemcpyHtoDAsync": Signature("cuMemcpyHtoDAsync_v2", (c_uint64, c_void_p, c_size_t, c_void_p)),
    "cuMemcpyDtoHAsync": Signature("cuMemcpyDtoHAsync_v2", (c_void_p, c_uint64, c_size_t, c_void_p)),
    "cuMemcpyDtoDAsync": Signature("cuMemcpyDtoDAsync_v2", (c_uint64, c_uint64, c_size_t, c_void_p)),
    "cuStreamCreate": Signature("cuStreamCreate", (c_uint,), c_void_p),
    "cuStreamDestroy": Signature("cuStreamDestroy_v2", (c_void_p,)),
    "cuStreamSynchronize": Signature("cuStreamSynchronize", (c_void_p,)),
    "cuStreamWaitEvent": Signature("cuStreamWaitEvent", (c_void_p, c_void_p, c_uint)),
    "cuStreamBeginCapture": Signature("cuStreamBeginCapture_v2", (c_void_p, c_int)),
    "cuStreamEndCapture": Signature("cuStreamEndCapture", (c_void_p,), c_void_p, gives_last=True),
    "cuEventCreate": Signature("cuEventCreate", (c_uint,), c_void_p),
    "cuEventDestroy": Signature("cuEventDestroy_v2", (c_void_p,)),
    "cuEventRecord": Signature("cuEventRecord", (c_void_p, c_void_p)),
    "cuEventSynchronize": Signature("cuEventSynchronize", (c_void_p,)),
    "cuEventElapsedTime": Signature("cuEventElapsedTime", (c_void_p, c_void_p), c_float),
    "cuGraphInstantiate": Signature("cuGraphInstantiateWithFlags", (c_void_p, c_uint64), c_void_p),
    "cuGraphDestroy": Signature("cuGraphDestroy", (c_void_p,)),
    "cuGraphExecDestroy": Signature("cuGraphExecDestroy", (c_void_p,)),
    "cuGraphLaunch": Signature("cuGraphLaunch", (c_void_p, c_void_p)),
}
"""Every function of the driver that this package calls, but for the three with results of another form."""


@functools.cache
def open_memory() -> DriverMemory:
    """Open device 0 of this process, once. Raises GpuRefused if there is no driver, or none that has a device."""
    return DriverMemory(Libcuda())


class Libcuda:
    """A loaded driver library; implements the DriverApi of driver_memory.py."""

    name = "libcuda"

    def __init__(self, library: str | None = None) -> None:
        """Load DRIVER_LIBRARY, or another, and start it. Raises GpuRefused if it is missing or has no device."""
        try:
            self._library = ctypes.CDLL(library or DRIVER_LIBRARY)
        except OSError as error:
            raise GpuRefused(library or DRIVER_LIBRARY, f"no NVIDIA driver ({error})") from error
        self._functions: dict[str, Any] = {}
        self.call("cuInit", 0)

    def call(self, function: str, *arguments: int) -> Any:
        """Call a function of SIGNATURES and return its result, None if it has none. Raises GpuRefused."""
        signature = SIGNATURES[function]
        found = self._functions.get(function) or self._found(function, signature)
        if signature.gives is None:
            self._check(function, found(*arguments))
            return None
        result = signature.gives()
        place = ctypes.byref(result)
        self._check(function, found(*arguments, place) if signature.gives_last else found(place, *arguments))
        return result.value

    def device_name(self, device: int) -> str:
        """The name of a device, such as Orin. Raises GpuRefused."""
        name = ctypes.create_string_buffer(NAME_BYTES)
        self._check("cuDeviceGetName", self._library.cuDeviceGetName(name, NAME_BYTES, device))
        return name.value.decode(errors="replace")

    def let_waits_sleep(self, device: int) -> None:
        """Let the threads of this process that wait for the device sleep, where CUDA would keep a core busy.

        It holds for every library of the process, so it is left alone once one of them uses the device.
        """
        flags, active = c_uint(), c_int()
        state = self._library.cuDevicePrimaryCtxGetState
        self._check("cuDevicePrimaryCtxGetState", state(device, ctypes.byref(flags), ctypes.byref(active)))
        if not active.value:
            asked = self._library.cuDevicePrimaryCtxSetFlags_v2(device, c_uint(SLEEPING_WAITS))
            self._check("cuDevicePrimaryCtxSetFlags", asked)

    def _found(self, function: str, signature: Signature) -> Any:
        try:
            found = getattr(self._library, signature.symbol)
        except AttributeError as error:
            raise GpuRefused(function, f"the driver has no {signature.symbol}: it is older than CUDA 11.4") from error
        pointer = [] if signature.gives is None else [ctypes.POINTER(signature.gives)]
        found.argtypes = [*signature.takes, *pointer] if signature.gives_last else [*pointer, *signature.takes]
        found.restype = c_int
        self._functions[function] = found
        return found

    def _check(self, function: str, status: int) -> None:
        if status != SUCCESS:
            name = c_char_p()
            self._library.cuGetErrorName(status, ctypes.byref(name))
            said = f"error {status}" if name.value is None else name.value.decode()
            raise GpuRefused(function, said, status)


SLEEPING_WAITS = 4
"""CU_CTX_SCHED_BLOCKING_SYNC."""
