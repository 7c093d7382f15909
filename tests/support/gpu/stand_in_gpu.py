"""A GPU for tests: the driver of stand_in_cuda/, compiled where a C compiler is, with its memory and its engine."""

from __future__ import annotations

import atexit
import ctypes
import functools
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP
from coconet.runtime.backends.gpu.driver_memory import DriverMemory
from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.memory import GpuObject
from coconet.runtime.backends.gpu.refusal import GpuRefused

SOURCE = Path(__file__).with_name("stand_in_cuda") / "driver.c"

KINDS = ("device", "pinned", "mapped", "stream", "event", "graph", "executable")
"""What can live on it, in the order of the enumeration of gpu.h."""

UNKNOWN = 999
"""CUDA_ERROR_UNKNOWN."""

LAUNCH_FAILED = 719
"""CUDA_ERROR_LAUNCH_FAILED, after which a context is lost."""

CALLS_BYTES = 1 << 20


@functools.cache
def driver_library() -> Path:
    """Compile the driver, once in a process, and give its file. Skips the test if there is no C compiler.

    Its name is libcuda.so.1, for processes that find it by LD_LIBRARY_PATH; it has no soname, so that a process that
    loads it by its path does not take it for the machine's own.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sysconfig.get_platform().startswith("win"):
        pytest.skip("no C compiler to build the stand-in for the CUDA driver with: apt install gcc")
    folder = Path(tempfile.mkdtemp(prefix="coconet-stand-in-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / "libcuda.so.1"
    command = [compiler, "-O1", "-shared", "-fPIC", "-pthread", "-o", str(library), str(SOURCE), "-ldl", "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    return library


class StandInGpu:
    """The compiled driver in this process, steered. There is one: `reset` makes it as good as new."""

    def __init__(self, library: Path | str) -> None:
        self.path = library
        self.library = ctypes.CDLL(str(library))
        pointer = ctypes.c_void_p
        sizes = [ctypes.c_size_t, ctypes.c_int]
        self.library.stand_in_launch.argtypes = [pointer, ctypes.c_int, pointer, pointer, pointer, *sizes]
        ends = [pointer, pointer, pointer, pointer, pointer]
        self.library.stand_in_launch_warped.argtypes = [*ends, *sizes, ctypes.c_int, ctypes.c_int]
        self.library.stand_in_set.argtypes = [ctypes.c_char_p, ctypes.c_long]
        self.reset()

    def reset(self) -> None:
        """Forget errors, calls and settings; what lives goes on living."""
        self.library.stand_in_reset()

    def set(self, **values: int) -> None:
        """Set what stand_in_set knows: lazy, integrated, gate_shut, kernel_us, devices, version, status_of_init."""
        for name, value in values.items():
            self.library.stand_in_set(name.encode(), value)

    def fail(self, call: str, nth: int = 1, code: int = UNKNOWN) -> None:
        """Let the nth call from now of a function, by its exported name, answer an error."""
        self.library.stand_in_fail(call.encode(), nth, code)

    def fail_work(self, nth: int = 1, code: int = LAUNCH_FAILED) -> None:
        """Let the nth copy or kernel from now fail while it runs, as a broken kernel does: the context is lost."""
        self.library.stand_in_fail_work(nth, code)

    def calls(self) -> list[str]:
        """The functions called since the last time, by their exported names."""
        noted = ctypes.create_string_buffer(CALLS_BYTES)
        self.library.stand_in_calls(noted, CALLS_BYTES)
        return noted.value.decode().split()

    def living(self) -> dict[str, int]:
        """How many of each kind were made and not given back; empty if nothing leaks."""
        return {kind: count for kind, count in zip(KINDS, self._counts(), strict=False) if count}

    @property
    def spins(self) -> int:
        """How often a thread waited without sleeping."""
        return self._counts()[len(KINDS)]

    @property
    def pushed(self) -> int:
        """How many contexts are on the stack of the calling thread."""
        return self._counts()[len(KINDS) + 1]

    @property
    def works(self) -> int:
        """How many copies and kernels were done."""
        return self._counts()[len(KINDS) + 2]

    @property
    def waiting(self) -> int:
        """How many threads wait for it now."""
        return self._counts()[len(KINDS) + 3]

    def memory(self) -> DriverMemory:
        """Its memory through ctypes, as the product takes it."""
        return DriverMemory(Libcuda(str(self.path)))

    def launch(self, stream: int, addresses: Mapping[str, int], pixels: int, channels: int, averages: bool) -> int:
        """Enqueue an engine: fused = visible XOR infrared, or their mean, of (pixels, channels) and (pixels, 1)."""
        ends = (addresses[FUSED], addresses[VISIBLE], addresses[INFRARED])
        return int(self.library.stand_in_launch(stream, averages, *ends, pixels, channels))

    def launch_warped(
        self, stream: int, addresses: Mapping[str, int], visible: tuple[int, ...], infrared: tuple[int, ...]
    ) -> int:
        """Enqueue the mean of a visible picture (H, W, C) and an infrared one (h, w) that a table lays."""
        (rows, columns, channels), (height, width) = visible, infrared
        ends = (addresses[FUSED], addresses[VISIBLE], addresses[INFRARED], addresses[WARP])
        sizes = (rows * columns, channels, width, height)
        return int(self.library.stand_in_launch_warped(stream, *ends, *sizes))

    def _counts(self) -> list[int]:
        found = (ctypes.c_long * (len(KINDS) + 4))()
        self.library.stand_in_count(found)
        return list(found)


@functools.cache
def loaded_stand_in() -> StandInGpu:
    """The stand-in of this process; all its state is the library's, which is loaded once."""
    return StandInGpu(driver_library())


class XorEngine:
    """Fuses by exclusive or, when the stream comes to it. shape: (H, W, C) of the visible picture."""

    def __init__(self, gpu: StandInGpu, shape: tuple[int, int, int], capturable: bool = True) -> None:
        self.gpu, self.capturable, self.enqueued = gpu, capturable, 0
        self._pixels, self._channels = shape[0] * shape[1], shape[2]

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue a frame. Raises GpuRefused."""
        self.enqueued += 1
        status = self.gpu.launch(stream.handle, addresses, self._pixels, self._channels, averages=False)
        if status:
            raise GpuRefused("stand_in_launch", f"error {status}", status)
