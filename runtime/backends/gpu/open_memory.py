"""Opening GPU memory: the library that was asked for, or the first that moves bytes to the GPU and back."""

from __future__ import annotations

import importlib
import logging
from contextlib import ExitStack
from typing import TypeVar

import numpy as np

from coconet.errors import MissingPackage, Refused
from coconet.runtime.backends.gpu.memory import GpuMemory, GpuObject, HostBuffer
from coconet.runtime.backends.gpu.refusal import GpuRefused

LOG = logging.getLogger("coconet.gpu")

LIBRARIES = {
    "libcuda": "coconet.runtime.backends.gpu.libcuda",
    "cuda-python": "coconet.runtime.backends.gpu.cuda_python",
    "pycuda": "coconet.runtime.backends.gpu.pycuda",
}
"""Where each library's implementation lies, in the order in which they are tried.

libcuda is the driver's own and needs no package; pycuda comes last as it has no CUDA graphs.
"""

DEFAULT = next(iter(LIBRARIES))

TRIED_BYTES = 4096

Closable = TypeVar("Closable", GpuObject, HostBuffer)


def open_gpu_memory(library: str | None = None) -> GpuMemory:
    """Open GPU memory with a library of LIBRARIES; None takes the first that works, not the first that is installed.

    Raises Refused for another word, MissingPackage if the one that was asked for is not installed, and GpuRefused if
    it, or every one of them, finds no device that it can use.
    """
    if library is not None and library not in LIBRARIES:
        remedy = "Leave it out to take the driver's own."
        raise Refused(
            "GPU library",
            wanted=" or ".join(LIBRARIES),
            got=repr(library),
            remedy=remedy,
            says=f"must be {' or '.join(LIBRARIES)}, not {library!r}",
        )
    if library is not None:
        return open_tried(library)
    refusals: list[GpuRefused] = []
    for name in LIBRARIES:
        try:
            return open_tried(name)
        except MissingPackage:  # noqa: PERF203  three of them
            continue
        except GpuRefused as error:
            LOG.warning("frames do not go through %s: %s", name, error)
            refusals.append(error)
    raise refusals[0]  # the driver's own word: it is always there


def open_tried(library: str) -> GpuMemory:
    """Open a library of LIBRARIES and let bytes go to the GPU and back. Raises as `open_gpu_memory` does."""
    memory: GpuMemory = importlib.import_module(LIBRARIES[library]).open_memory()
    with memory.current():
        _try(memory)
    return memory


def _try(memory: GpuMemory) -> None:
    sent = np.arange(TRIED_BYTES, dtype=np.uint32).astype(np.uint8)
    with ExitStack() as owned:
        there, back = (_kept(owned, memory.host(TRIED_BYTES)) for _ in range(2))
        on_gpu, stream = _kept(owned, memory.device(TRIED_BYTES)), _kept(owned, memory.stream())
        event = _kept(owned, memory.event())
        there.pixels[:], back.pixels[:] = sent, 0
        memory.upload(on_gpu.handle, there, stream)
        memory.download(back, on_gpu.handle, stream)
        memory.mark(event, stream)
        memory.finish(event)
        arrived = np.array_equal(back.pixels, sent)
    if not arrived:
        raise GpuRefused(f"a copy through {memory.name}", "the bytes came back changed")


def _kept(owned: ExitStack, thing: Closable) -> Closable:
    owned.callback(thing.close)
    return thing
