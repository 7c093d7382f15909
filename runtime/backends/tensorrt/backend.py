"""The TensorRT backend: runs an engine file on the GPU of this device.

Written against the published interfaces of TensorRT 8.6 to 11.4 and of TensorRT for RTX 1.7; no engine was run yet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coconet.cards.engine_card import read_engine_card
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError, counted
from coconet.media.pixels import Pixels
from coconet.runtime.backends.gpu.memory import GpuMemory
from coconet.runtime.backends.gpu.open_memory import open_gpu_memory
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.backends.tensorrt.engine import TrtContext, TrtEngine, check_device, open_for
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.timing import DeviceTimes, LayerTime, layer_clock
from coconet.runtime.backends.tensorrt.transfer_ring import FrameRing
from coconet.runtime.frame_check import adapt_frames, fuse_adapted, like_visible
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import Table, WarpTable


@dataclass(frozen=True, eq=False)
class _MadeFor:
    """What a ring was made for: the sizes of both pictures, and the table of an engine that lays the infrared one."""

    size: FrameSize
    infrared: FrameSize
    table: Table | None

    def suits(self, pair: _MadeFor) -> bool:
        """Whether such a ring takes a pair that needs one like that."""
        return (self.size, self.infrared) == (pair.size, pair.infrared) and self.table is pair.table

    def __str__(self) -> str:
        return str(self.size) if self.table is None else f"{self.size}, infrared {self.infrared}, of one alignment"


class TensorRtBackend:
    """An engine file with its card; frees the GPU at the end of a `with` block.

    `fuse` takes one pair at a time. `submit` and `collect` let `depth` pairs overlap. Calls may come from several
    threads; each waits for the one before. After an error the next call allocates the buffers again.
    """

    def __init__(self, path: Path, options: RingOptions | None = None) -> None:
        """Read and check the card, then look for the GPU, and only then touch TensorRT.

        Raises CoconetError for an engine that is stale, foreign or unreadable and if there is no GPU, MissingPackage if
        TensorRT or the library of `options` is missing.
        """
        card = read_engine_card(path)
        device = first_cuda_device()
        check_device(path, card, device)
        tensorrt = open_for(path, card, device)
        self.card, self.depth = card.model, (options or RingOptions()).depth
        self._path, self._options, self._trt = path, options or RingOptions(), tensorrt.module
        self._lock = threading.RLock()
        self._channels = deque[int]()
        self._made_for: _MadeFor | None = None
        self._warp = WarpTable()
        self._ring: FrameRing | None = None
        self._gpu: GpuMemory = open_gpu_memory(self._options.library)
        self._engine: TrtEngine | None = None
        self._context: TrtContext | None = None
        with self._gpu.current(), ExitStack() as undo:
            self._engine = TrtEngine(path, card, tensorrt)
            undo.callback(self._engine.close)
            self._context = self._engine.new_context()
            undo.pop_all()
        product = "TensorRT for RTX" if tensorrt.flavour == "tensorrt_rtx" else "TensorRT"
        self.name = f"{product} {tensorrt.version} ({device.name}, {self._gpu.name})"

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the engine takes one.

        A new alignment needs the pending frames collected, as a new frame size does.
        """
        with self._lock:
            self._warp.align(alignment)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames the card or the engine does not take, and if the GPU fails.
        """
        with self._lock:
            self._refuse_pending()
            return fuse_adapted(self.card, self._path, self._run, visible, infrared)

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start fusing a pair; at most `depth` may be pending. A new frame size needs the pending ones collected."""
        with self._lock:
            pair = adapt_frames(self.card, self._path, visible, infrared)
            made_for = self._needs(*pair)
            self._check_room(made_for)
            with self._working():
                self._ring_for(made_for).submit(*pair)
            self._channels.append(visible.shape[2])

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and return its picture, shaped like its visible frame."""
        with self._lock:
            if self._ring is None or not self._channels:
                says = "has no pending frame to collect"
                raise self._wrong("a pending frame", "none", "Submit a pair of frames first.", says)
            with self._working():
                fused = self._ring.collect()
            return like_visible(fused, self._channels.popleft())

    def layer_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> list[LayerTime]:
        """Run frames as `fuse` takes them through a context with a profiler; mean times, in order.

        Raises CoconetError as `fuse` does.
        """
        with self._lock, self._gpu.current():
            pair = adapt_frames(self.card, self._path, visible, infrared)
            clock = layer_clock(self._trt)
            with self._own_ring(self._needs(*pair), RingOptions(graph=False), clock) as ring:
                ring.times(*pair, runs=1)
                clock.clear()  # the first run loads kernels
                ring.times(*pair, runs=runs)
            times: list[LayerTime] = clock.means()
            return times

    def stage_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> DeviceTimes:
        """Run frames as `fuse` takes them, one at a time; the mean times to the GPU, on it and back."""
        with self._lock, self._gpu.current():
            pair = adapt_frames(self.card, self._path, visible, infrared)
            with self._own_ring(self._needs(*pair), replace(self._options, depth=1)) as ring:
                ring.times(*pair, runs=2)  # the first loads kernels, the second records the graph
                return ring.times(*pair, runs=runs)

    def layers(self) -> str:
        """What TensorRT made of the graph, layer by layer, as JSON."""
        with self._lock, self._gpu.current():
            told: str = self._require_open(self._engine).layers()
            return told

    def close(self) -> None:
        """Give back the GPU; a second call does nothing."""
        with self._lock:
            if self._engine is None:
                return
            engine, self._engine = self._engine, None
            with self._gpu.current(), ExitStack() as steps:
                steps.callback(engine.close)
                steps.callback(self._drop_context)
                self._drop_ring()

    def __enter__(self) -> TensorRtBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        made_for = self._needs(visible, infrared)
        with self._working():
            ring = self._ring_for(made_for)
            ring.submit(visible, infrared)
            return ring.collect()

    @contextmanager
    def _own_ring(self, made_for: _MadeFor, options: RingOptions, clock: Any = None) -> Iterator[FrameRing]:
        """A ring with a context of its own, to measure with; the next frame creates the usual context again.

        The engine has one context at a time: TensorRT 8.6 lets no two of them use one optimisation profile, and two
        would need the scratch memory twice.
        """
        self._refuse_pending()
        engine = self._require_open(self._engine)
        self._drop_ring()
        self._drop_context()
        with closing(engine.new_context(clock)) as context:
            ring = self._new_ring(context, made_for, options)
            with closing(ring):
                yield ring

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Work with the context current; an error drops the ring, and with it the frames on their way."""
        self._require_open(self._engine)
        with self._gpu.current():
            try:
                yield
            except BaseException:
                with suppress(CoconetError):
                    self._drop_ring()
                raise

    def _needs(self, visible: Pixels, infrared: Pixels) -> _MadeFor:
        """What a ring has to be made for to take this pair."""
        table = self._warp.table_for(visible, infrared, self._path) if self.card.form == "warped" else None
        return _MadeFor(FrameSize(*visible.shape[:2]), FrameSize(*infrared.shape[:2]), table)

    def _ring_for(self, made_for: _MadeFor) -> FrameRing:
        """Give the ring for a pair, a new one if a size or the table changed."""
        if self._ring is not None and self._made_for is not None and self._made_for.suits(made_for):
            return self._ring
        self._drop_ring()
        context = self._context = self._context or self._require_open(self._engine).new_context()
        self._ring = self._new_ring(context, made_for, self._options)
        self._made_for = made_for
        return self._ring

    def _new_ring(self, context: TrtContext, made_for: _MadeFor, options: RingOptions) -> FrameRing:
        shapes = context.set_size(made_for.size, made_for.infrared)
        return FrameRing(self._gpu, context, shapes, options, made_for.table)

    def _refuse_pending(self) -> None:
        if self._channels:
            pending = counted(len(self._channels), "frame")
            raise self._wrong("no pending frames", pending, "Collect them first.", f"still has {pending} pending")

    def _check_room(self, made_for: _MadeFor) -> None:
        """Refuse what the ring cannot take as long as frames are pending, without losing those."""
        pending, before = len(self._channels), self._made_for
        if pending and before is not None and not before.suits(made_for):
            wanted = f"frames of {before} while some are pending"
            says = f"was given frames of {made_for} while frames of {before} are pending"
            raise self._wrong(wanted, str(made_for), "Collect them first.", says)
        if pending >= self.depth:
            says = f"already has {counted(pending, 'pending frame')}, which is as many as it takes"
            raise self._wrong(f"at most {self.depth} pending frames", f"{pending + 1}", "Collect one first.", says)

    def _drop_ring(self) -> None:
        ring, self._ring, self._made_for = self._ring, None, None
        self._channels.clear()
        if ring is not None:
            ring.close()

    def _drop_context(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.close()

    def _require_open(self, thing: Any) -> Any:
        if thing is None:
            raise self._wrong("an open engine", "a closed one", "Open it again.", "is closed")
        return thing

    def _wrong(self, wanted: str, got: str, remedy: str, says: str) -> CoconetError:
        return CoconetError(self._path, wanted=wanted, got=got, remedy=remedy, says=says)
