"""The frame ring: frames go up, through the engine and down again.

One at a time they do so on one stream, as one CUDA graph. Several overlap on three streams; there the copies stay out
of the graph, as they run beside the engine of another frame.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP
from coconet.errors import CoconetError, counted
from coconet.media.pixels import Pixels
from coconet.runtime.backends.gpu.memory import GpuMemory, GpuObject, GraphRecorder, HostBuffer
from coconet.runtime.backends.gpu.refusal import GpuRefused
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.timing import DeviceTimes
from coconet.runtime.preprocess.warp_table import Table

LOG = logging.getLogger("coconet.gpu")

Shape = tuple[int, int, int]
"""(H, W, C) of a uint8 picture."""

ALIGNMENT_BYTES = 256
"""Where a tensor may begin in memory of the GPU, by TensorRT's manual."""


class GpuEngine(Protocol):
    """What computes between upload and download.

    capturable: whether `enqueue` may be recorded into a CUDA graph.
    """

    capturable: bool

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue the model on the stream.

        addresses: on the GPU, of `visible`, `infrared` and `fused`, and of `warp` if the ring was given a table.
        """


@dataclass
class Slot:
    """The buffers of one frame on its way, and the events at the end of its three steps.

    inputs: both pictures in one block, so that one copy takes them up. pictures: all three, as views of the blocks.
    addresses: where the engine finds the same three, and the table that all slots share.
    taken: where the GPU has the two blocks.
    """

    inputs: HostBuffer
    fused: HostBuffer
    taken: tuple[int, int]
    pictures: dict[str, Pixels]
    addresses: dict[str, int]
    uploaded: GpuObject
    computed: GpuObject
    downloaded: GpuObject
    warm: bool = False
    graph: GpuObject | None = None


class FrameRing:
    """Buffers for frames of one size. Every call needs to be inside `with gpu.current()`, one thread at a time.

    A call that fails leaves frames on their way that nobody can collect, and buffers with what earlier frames left in
    them. So from then on every call but `close` is refused: make another ring.
    """

    def __init__(
        self,
        gpu: GpuMemory,
        engine: GpuEngine,
        shapes: Mapping[str, Shape],
        options: RingOptions,
        table: Table | None = None,
    ) -> None:
        """Allocate everything or nothing. shapes: of `visible`, `infrared` and `fused`.

        table: of an engine that lays the infrared picture itself, for all frames of this ring; it goes up here, once.
        """
        self.shapes, self.depth = dict(shapes), options.depth
        self._gpu, self._engine, self._options = gpu, engine, options
        self._graphs = gpu.graphs if options.graph and engine.capturable else None
        self._owned, self._busy, self._failed = ExitStack(), deque[Slot](), False
        self._working: list[GpuObject] = []
        try:
            self._working = self._streams(options.depth)
            self._up, self._compute, self._down = self._working
            self._shared = {} if table is None else {WARP: self._uploaded(table)}
            self._free = deque([self._slot() for _ in range(options.depth)])
        except BaseException:
            with suppress(CoconetError):  # the first error is the one to tell
                self.close()
            raise

    @property
    def pending(self) -> int:
        """How many frames were submitted and not collected."""
        return len(self._busy)

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Copy a pair into the ring and enqueue all it needs; returns before the GPU is done.

        Raises CoconetError if `depth` frames are pending, and if CUDA or the engine refuses.
        """
        with self._unfailed():
            if not self._free:
                full = f"already has {counted(self.pending, 'pending frame')}, which is as many as it takes"
                raise _ring_misuse("a free slot", f"{self.pending} pending frames", "Collect a frame first.", full)
            slot = self._free.popleft()
            np.copyto(slot.pictures[VISIBLE], visible)
            np.copyto(slot.pictures[INFRARED], infrared)
            self._send(slot)
            self._gpu.mark(slot.downloaded, self._down)
            self._busy.append(slot)

    def collect(self) -> Pixels:
        """Wait for the oldest pending frame and return it, (H, W, C) uint8. Raises CoconetError if none is."""
        with self._unfailed():
            if not self._busy:
                empty = "has no pending frame to collect"
                raise _ring_misuse("a pending frame", "none", "Submit a pair of frames first.", empty)
            slot = self._busy[0]
            self._gpu.finish(slot.downloaded)
            fused: Pixels = slot.pictures[FUSED].copy()
            self._free.append(self._busy.popleft())
            return fused

    def times(self, visible: Pixels, infrared: Pixels, runs: int) -> DeviceTimes:
        """Send a pair through `runs` times, alone on the GPU, and give the mean of each step, by the GPU's own clock.

        Only of a new ring of depth 1: its graph is then of the engine alone. What the host does, such as filling the
        buffers, is not in it.
        """
        with ExitStack() as owned, self._unfailed():
            slot = self._free[0]
            marks: list[GpuObject] = []
            for _ in range(4):
                marks.append(self._gpu.event(timed=True))  # each given back even if the next one cannot be made
                owned.callback(marks[-1].close)
            steps: tuple[Callable[[Slot], None], ...]
            steps = (self._upload, lambda slot: self._replay(slot, self._run), self._download)
            found = []
            for _ in range(runs):
                np.copyto(slot.pictures[VISIBLE], visible)
                np.copyto(slot.pictures[INFRARED], infrared)
                self._gpu.mark(marks[0], self._compute)
                for step, end in zip(steps, marks[1:], strict=True):
                    step(slot)
                    self._gpu.mark(end, self._compute)
                self._gpu.finish(marks[3])
                found.append(DeviceTimes(*(self._gpu.elapsed_ms(*ends) for ends in pairwise(marks))))
        return DeviceTimes.mean(found)

    def close(self) -> None:
        """Wait for what is under way and give everything back; a second call does nothing."""
        with self._owned:
            for stream in {id(stream): stream for stream in self._working}.values():
                if stream.native is not None:
                    with suppress(CoconetError):  # after a failed kernel every call fails, and memory has to go still
                        self._gpu.drain(stream)

    @contextmanager
    def _unfailed(self) -> Iterator[None]:
        """Refuse a ring in which something failed; what fails inside the block makes it one."""
        if self._failed:
            wanted, says = "one whose frames all came back", "is of no more use, as something failed in it before"
            raise _ring_misuse(wanted, "one with an error", "Close it, and make another.", says)
        try:
            yield
        except _RingMisuse:
            raise
        except BaseException:
            self._failed = True
            raise

    def _send(self, slot: Slot) -> None:
        """Enqueue a frame's whole way: as one piece, or in three steps that overlap with those of other frames."""
        if self._up is self._down:
            self._replay(slot, self._travel)
            return
        self._upload(slot)
        self._after(slot.uploaded, self._up, self._compute)
        self._replay(slot, self._run)
        self._after(slot.computed, self._compute, self._down)
        self._download(slot)

    def _travel(self, slot: Slot) -> None:
        self._upload(slot)
        self._run(slot)
        self._download(slot)

    def _upload(self, slot: Slot) -> None:
        if not self._options.zero_copy:
            self._gpu.upload(slot.taken[0], slot.inputs, self._up)

    def _run(self, slot: Slot) -> None:
        self._engine.enqueue(slot.addresses, self._compute)

    def _download(self, slot: Slot) -> None:
        if not self._options.zero_copy:
            self._gpu.download(slot.fused, slot.taken[1], self._down)

    def _after(self, event: GpuObject, earlier: GpuObject, later: GpuObject) -> None:
        """Let one stream go on where another has come to."""
        self._gpu.mark(event, earlier)
        self._gpu.wait(later, event)

    def _replay(self, slot: Slot, work: Callable[[Slot], None]) -> None:
        """Enqueue work: the first time as it is, as recording must not be what loads kernels, and then as a graph."""
        if self._graphs is not None and slot.warm and slot.graph is None:
            self._record(self._graphs, slot, work)
        if self._graphs is not None and slot.graph is not None:
            self._graphs.launch(slot.graph, self._compute)
        else:
            work(slot)
            slot.warm = True

    def _record(self, graphs: GraphRecorder, slot: Slot, work: Callable[[Slot], None]) -> None:
        try:
            slot.graph = self._keep(graphs.record(self._compute, lambda: work(slot)))
        except CoconetError as error:
            if isinstance(error, GpuRefused) and error.lost:
                raise
            LOG.warning("running without a CUDA graph: %s: %s", error.where, error.got)
            self._graphs = None

    def _streams(self, depth: int) -> list[GpuObject]:
        """Make three streams, or for one frame at a time the same one thrice: nothing overlaps then."""
        streams = [self._keep(self._gpu.stream()) for _ in range(3 if depth > 1 else 1)]
        return streams if depth > 1 else streams * 3

    def _slot(self) -> Slot:
        starts = {VISIBLE: 0, INFRARED: _aligned(_size(self.shapes[VISIBLE])), FUSED: 0}
        inputs = self._host_buffer(starts[INFRARED] + _size(self.shapes[INFRARED]))
        fused = self._host_buffer(_size(self.shapes[FUSED]))
        taken = self._address(inputs), self._address(fused)
        pictures, addresses = {}, dict(self._shared)
        for name, shape in self.shapes.items():
            block, address = (fused, taken[1]) if name == FUSED else (inputs, taken[0])
            pictures[name] = block.pixels[starts[name] : starts[name] + _size(shape)].reshape(shape)
            addresses[name] = address + starts[name]
        uploaded, computed = self._keep(self._gpu.event()), self._keep(self._gpu.event())
        downloaded = self._keep(self._gpu.event(spin=self._options.spin))
        return Slot(inputs, fused, taken, pictures, addresses, uploaded, computed, downloaded)

    def _uploaded(self, table: Table) -> int:
        """Take a table up and wait until it is there; its address on the GPU."""
        buffer = self._host_buffer(table.nbytes)
        np.copyto(buffer.pixels, table.reshape(-1).view(np.uint8))
        address = self._address(buffer)
        if buffer.device_address is None:
            self._gpu.upload(address, buffer, self._up)
            self._gpu.drain(self._up)
            buffer.close()
        return address

    def _host_buffer(self, size_bytes: int) -> HostBuffer:
        buffer = self._gpu.host(size_bytes, mapped=self._options.zero_copy)
        self._owned.callback(buffer.close)
        return buffer

    def _address(self, buffer: HostBuffer) -> int:
        if buffer.device_address is not None:
            return buffer.device_address
        return self._keep(self._gpu.device(buffer.pixels.nbytes)).handle

    def _keep(self, thing: GpuObject) -> GpuObject:
        self._owned.callback(thing.close)
        return thing


class _RingMisuse(CoconetError):
    """A call at the wrong time, which changes nothing."""


def _ring_misuse(wanted: str, got: str, remedy: str, says: str) -> _RingMisuse:
    return _RingMisuse("frame ring", wanted=wanted, got=got, remedy=remedy, says=says)


def _size(shape: Shape) -> int:
    return shape[0] * shape[1] * shape[2]


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
