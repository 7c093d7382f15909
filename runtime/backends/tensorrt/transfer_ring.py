"""The frame ring: frames go up, through the engine and down again, on three streams at the same time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.tensorrt.gpu_memory import GpuMemory, GpuObject, HostBuffer
from coconet.runtime.backends.tensorrt.timing import DeviceTimes

LOG = logging.getLogger("coconet.gpu")

Shape = tuple[int, int, int]
"""(H, W, C) of a uint8 picture."""


class GpuEngine(Protocol):
    """What computes between upload and download.

    capturable: whether `enqueue` may be recorded into a CUDA graph.
    """

    capturable: bool

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue the model on the stream. addresses: on the GPU, of `visible`, `infrared` and `fused`."""


@dataclass(frozen=True)
class RingOptions:
    """How frames travel.

    depth: how many may be under way. 1 has the lowest latency, 3 the highest rate.
    zero_copy: let the GPU read and write the host's memory in place; None does where they share it (Jetson).
    graph: replay the engine's kernels as one CUDA graph, where the GPU library has them.
    """

    depth: int = 1
    zero_copy: bool | None = None
    graph: bool = True

    def __post_init__(self) -> None:
        if self.depth < 1:
            remedy = "1 has the lowest latency, 3 the highest rate."
            raise CoconetError("frame ring, depth", wanted="1 or more frames", got=str(self.depth), remedy=remedy)


@dataclass
class Slot:
    """The buffers of one frame on its way, and the events at the end of its three steps."""

    host: dict[str, HostBuffer]
    addresses: dict[str, int]
    uploaded: GpuObject
    computed: GpuObject
    downloaded: GpuObject
    warm: bool = False
    graph: GpuObject | None = None


class FrameRing:
    """Buffers for frames of one size. Every call needs to be inside `with gpu.current()`, one thread at a time.

    A call that fails leaves frames on their way that nobody can collect: close the ring then, and make another.
    """

    def __init__(self, gpu: GpuMemory, engine: GpuEngine, shapes: Mapping[str, Shape], options: RingOptions) -> None:
        """Allocate everything or nothing. shapes: of `visible`, `infrared` and `fused`."""
        self.shapes, self.depth = dict(shapes), options.depth
        self._gpu, self._engine = gpu, engine
        self._zero_copy = gpu.integrated if options.zero_copy is None else options.zero_copy
        self._graphs = gpu.graphs if options.graph and engine.capturable else None
        self._owned, self._busy = ExitStack(), deque[Slot]()
        try:
            self._up, self._compute, self._down = self._streams(options.depth)
            self._free = deque([self._slot() for _ in range(options.depth)])
        except BaseException:
            with suppress(CoconetError):  # the first error is the one to tell
                self._owned.close()
            raise

    @property
    def pending(self) -> int:
        """How many frames were submitted and not collected."""
        return len(self._busy)

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Copy a pair into the ring and enqueue all it needs; returns before the GPU is done.

        Raises CoconetError where `depth` frames are pending, and where CUDA or the engine refuses.
        """
        if not self._free:
            remedy = "Collect a frame before submitting the next."
            raise CoconetError("frame ring", wanted="a free slot", got=f"{self.pending} pending frames", remedy=remedy)
        slot = self._free.popleft()
        self._fill(slot, visible, infrared)
        self._upload(slot)
        self._after(slot.uploaded, self._up, self._compute)
        self._run(slot)
        self._after(slot.computed, self._compute, self._down)
        self._download(slot)
        self._gpu.mark(slot.downloaded, self._down)
        self._busy.append(slot)

    def collect(self) -> Pixels:
        """Wait for the oldest pending frame and return it, (H, W, C) uint8. Raises CoconetError where none is."""
        if not self._busy:
            remedy = "Submit a pair of frames first."
            raise CoconetError("frame ring", wanted="a pending frame", got="none", remedy=remedy)
        slot = self._busy[0]
        self._gpu.finish(slot.downloaded)
        fused: Pixels = self._picture(slot, FUSED).copy()
        self._free.append(self._busy.popleft())
        return fused

    def times(self, visible: Pixels, infrared: Pixels, runs: int) -> DeviceTimes:
        """Send a pair through `runs` times, alone on the GPU, and give the mean of each step, by the GPU's own clock.

        Only of a ring of depth 1 with nothing pending. What the host does, such as filling the buffers, is not in it.
        """
        slot = self._free[0]
        marks = [self._keep(self._gpu.event(timed=True)) for _ in range(4)]
        found = []
        for _ in range(runs):
            self._fill(slot, visible, infrared)
            self._gpu.mark(marks[0], self._compute)
            for step, end in zip((self._upload, self._run, self._download), marks[1:], strict=True):
                step(slot)
                self._gpu.mark(end, self._compute)
            self._gpu.finish(marks[3])
            found.append(DeviceTimes(*(self._gpu.elapsed_ms(*ends) for ends in pairwise(marks))))
        return DeviceTimes.mean(found)

    def close(self) -> None:
        """Wait for what is under way and give everything back; a second call does nothing."""
        with self._owned:
            for stream in {id(stream): stream for stream in (self._up, self._compute, self._down)}.values():
                if stream.native is not None:
                    with suppress(CoconetError):  # after a failed kernel every call fails, and memory has to go still
                        self._gpu.drain(stream)

    def _fill(self, slot: Slot, visible: Pixels, infrared: Pixels) -> None:
        for name, pixels in ((VISIBLE, visible), (INFRARED, infrared)):
            np.copyto(self._picture(slot, name), pixels)

    def _upload(self, slot: Slot) -> None:
        if not self._zero_copy:
            for name in (VISIBLE, INFRARED):
                self._gpu.upload(slot.addresses[name], slot.host[name], self._up)

    def _download(self, slot: Slot) -> None:
        if not self._zero_copy:
            self._gpu.download(slot.host[FUSED], slot.addresses[FUSED], self._down)

    def _streams(self, depth: int) -> list[GpuObject]:
        """Make three streams, or for one frame at a time the same one thrice: nothing overlaps then."""
        streams = [self._keep(self._gpu.stream()) for _ in range(3 if depth > 1 else 1)]
        return streams if depth > 1 else streams * 3

    def _slot(self) -> Slot:
        host = {name: self._host_buffer(self.shapes[name]) for name in (VISIBLE, INFRARED, FUSED)}
        addresses = {name: self._address(buffer) for name, buffer in host.items()}
        uploaded, computed, downloaded = (self._keep(self._gpu.event()) for _ in range(3))
        return Slot(host, addresses, uploaded, computed, downloaded)

    def _host_buffer(self, shape: Shape) -> HostBuffer:
        buffer = self._gpu.host(int(np.prod(shape)), mapped=self._zero_copy)
        self._owned.callback(buffer.close)
        return buffer

    def _address(self, buffer: HostBuffer) -> int:
        if buffer.device_address is not None:
            return buffer.device_address
        return self._keep(self._gpu.device(buffer.pixels.nbytes)).handle

    def _keep(self, thing: GpuObject) -> GpuObject:
        self._owned.callback(thing.close)
        return thing

    def _picture(self, slot: Slot, name: str) -> Pixels:
        picture: Pixels = slot.host[name].pixels.reshape(self.shapes[name])
        return picture

    def _after(self, event: GpuObject, earlier: GpuObject, later: GpuObject) -> None:
        """Let one stream go on where another has come to; work on the same stream is in order anyway."""
        if earlier is not later:
            self._gpu.mark(event, earlier)
            self._gpu.wait(later, event)

    def _run(self, slot: Slot) -> None:
        """Enqueue the engine: the first time as it is, as recording must not be what loads its kernels."""
        if self._graphs is not None and slot.warm and slot.graph is None:
            self._record(slot)
        if self._graphs is not None and slot.graph is not None:
            self._graphs.launch(slot.graph, self._compute)
        else:
            self._engine.enqueue(slot.addresses, self._compute)
            slot.warm = True

    def _record(self, slot: Slot) -> None:
        assert self._graphs is not None  # noqa: S101  asked by the only caller
        try:
            graph = self._graphs.record(self._compute, lambda: self._engine.enqueue(slot.addresses, self._compute))
        except CoconetError as error:
            LOG.warning("running without a CUDA graph: %s", error)
            self._graphs = None
        else:
            slot.graph = self._keep(graph)
