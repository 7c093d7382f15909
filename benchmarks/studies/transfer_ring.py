"""The frame ring on a real GPU: that it moves frames rightly, how it overlaps, and what it costs the host.

    python -m coconet.benchmarks.studies.transfer_ring --json gpu_ring.json
    python -m coconet.benchmarks.studies.transfer_ring --model lite.engine
    compute-sanitizer --error-exitcode 9 python -m coconet.benchmarks.studies.transfer_ring --check

The engine is PyTorch with CUDA, as TensorRT does not run on every GPU, or an engine file, as on a Jetson. The check
needs neither of the two.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coconet.benchmarks.machine.other_threads import share_left_by
from coconet.cards.engine_card import read_engine_card
from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import FUSED, INFRARED, VISIBLE
from coconet.errors import CoconetError, MissingPackage
from coconet.files import whole_file
from coconet.media.pixels import Pixels
from coconet.model_endings import ENGINE_SUFFIX
from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.memory import GpuMemory, GpuObject
from coconet.runtime.backends.gpu.open_memory import LIBRARIES, open_gpu_memory
from coconet.runtime.backends.gpu.refusal import GpuRefused
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.backends.tensorrt.engine import TrtEngine, check_device, open_for
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.transfer_ring import FrameRing, GpuEngine, Shape
from coconet.runtime.loop.latency_log import Percentiles

MATRIX_SIDE, MATRIX_RUNS = 8192, 20


class TorchEngine:
    """A checkpoint in half precision; implements the GpuEngine of the transfer ring for one frame size.

    tflop: floating point operations of a frame, in 10^12, as PyTorch counts them.
    """

    capturable = True

    def __init__(self, model: str, height: int, width: int) -> None:
        torch = _torch()
        from coconet.model_names import checkpoint_path
        from coconet.networks.camera_ready import Fuser
        from coconet.networks.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(checkpoint_path(model))
        self._fuser = Fuser(checkpoint.core, checkpoint.signature, precision="fp16").cuda().eval()
        self._shapes = {VISIBLE: (1, height, width, 3), INFRARED: (1, height, width, 1), FUSED: (1, height, width, 3)}
        self._torch = torch
        self.tflop = self._count()

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue a frame."""
        views = {name: view_of(address, self._shapes[name]) for name, address in addresses.items()}
        with self._torch.inference_mode(), on_stream(stream):
            views[FUSED].copy_(self._fuser(views[VISIBLE], views[INFRARED]))

    def _count(self) -> float:
        from torch.utils.flop_counter import FlopCounterMode

        frames = [self._torch.zeros(self._shapes[name], dtype=self._torch.uint8).cuda() for name in (VISIBLE, INFRARED)]
        with self._torch.inference_mode(), FlopCounterMode(display=False) as counter:
            self._fuser(*frames)
        return float(counter.get_total_flops()) / 1e12


class _Memory:
    """Memory by its address, in the form other libraries understand (CUDA array interface, version 3)."""

    def __init__(self, address: int, shape: tuple[int, ...]) -> None:
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": "|u1",
            "data": (address, False),
            "strides": None,
            "version": 3,
        }


def view_of(address: int, shape: tuple[int, ...]) -> Any:
    """See uint8 memory of the GPU as a tensor, without a copy and without owning it."""
    return _torch().as_tensor(_Memory(address, shape), device="cuda")


@contextmanager
def on_stream(stream: GpuObject) -> Iterator[None]:
    """Let PyTorch enqueue on a stream of ours; its errors become ours, so that a ring can go on without a graph."""
    torch = _torch()
    try:
        with torch.cuda.stream(torch.cuda.ExternalStream(stream.handle)):
            yield
    except RuntimeError as error:
        raise GpuRefused("PyTorch", str(error).partition("\n")[0]) from error


def matrix_tflops() -> float:
    """Measure what the card reaches in FP16 matrix products of side MATRIX_SIDE, in TFLOP/s."""
    torch = _torch()
    left, right = (torch.randn(MATRIX_SIDE, MATRIX_SIDE, device="cuda", dtype=torch.float16) for _ in range(2))
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(3):
        left @ right
    start.record()
    for _ in range(MATRIX_RUNS):
        left @ right
    end.record()
    end.synchronize()
    return float(2 * MATRIX_SIDE**3 * MATRIX_RUNS / (start.elapsed_time(end) * 1e-3) / 1e12)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingPackage("torch", job="being the engine of a benchmark", extra="export") from error
    return torch


CHECKED_FRAMES = 32

TIMED_FRAMES = 300

WARMUP_FRAMES = 20

SHARED_FRAMES = 50

Pair = tuple[Pixels, Pixels]


@dataclass(frozen=True)
class RingRun:
    """One way to run the ring.

    host_ms: what `submit` keeps the host for. gpu_share: of the card's matrix rate. others_share: how often another
    Python thread comes to run meanwhile, as a share of how often it does while this one sleeps.
    """

    library: str
    depth: int
    zero_copy: bool
    graph: bool
    latency_ms: Percentiles
    frames_per_second: float
    host_ms: float
    host_share: float
    gpu_share: float | None
    others_share: float


class CopyEngine:
    """Gives back the visible picture, by the GPU's own copy: any byte that went astray shows."""

    capturable = True

    def __init__(self, size_bytes: int) -> None:
        self._size, self._driver = size_bytes, Libcuda()

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue the copy."""
        copy = (addresses[FUSED], addresses[VISIBLE], self._size, stream.handle)
        self._driver.call("cuMemcpyDtoDAsync", *copy)


@contextmanager
def engine_of(path: Path, size: tuple[int, int], gpu: GpuMemory) -> Iterator[GpuEngine]:
    """Open an engine file for frames of (height, width). Raises CoconetError as the TensorRT backend does."""
    card, device = read_engine_card(path), first_cuda_device()
    check_device(path, card, device)
    with (
        gpu.current(),
        closing(TrtEngine(path, card, open_for(path, card, device))) as engine,
        closing(engine.new_context()) as context,
    ):
        context.set_size(FrameSize(*size))
        yield context


def random_pairs(count: int, height: int, width: int) -> list[Pair]:
    """Make unlike pairs of (H, W, 3) and (H, W, 1) uint8."""
    random = np.random.default_rng(7)
    sides = [(height, width, 3), (height, width, 1)]
    return [tuple(random.integers(0, 256, shape, np.uint8) for shape in sides) for _ in range(count)]  # type: ignore[misc]


def check(gpu: GpuMemory, height: int, width: int) -> None:
    """Send frames through rings of every kind. Raises CoconetError for the first frame that comes back changed."""
    shapes = _shapes(height, width)
    for depth in (1, 2, 3):
        for zero_copy in (False, True):
            with _ring(gpu, CopyEngine(height * width * 3), shapes, RingOptions(depth, zero_copy)) as ring:
                pairs = random_pairs(CHECKED_FRAMES, height, width)
                for index, (fused, pair) in enumerate(zip(_through(ring, pairs), pairs, strict=True)):
                    if not np.array_equal(fused, pair[0]):
                        where = f"frame {index}, {gpu.name}, depth {depth}, zero copy {zero_copy}"
                        raise CoconetError(
                            where,
                            wanted="the picture sent",
                            got="another",
                            remedy="This is an error of coconet-edge, or of the GPU: report it.",
                            says="came back changed",
                        )


def time_ring(
    gpu: GpuMemory, engine: GpuEngine, size: tuple[int, int], options: RingOptions, work: float | None = None
) -> RingRun:
    """Time the ring. work: what a frame takes of the card's matrix rate, in seconds; None if that is not known."""
    pairs = random_pairs(8, *size)
    with _ring(gpu, engine, _shapes(*size), options) as ring:
        for _ in _through(ring, [pairs[index % 8] for index in range(WARMUP_FRAMES)]):
            pass
        latencies, submits, ends = [], [], []
        starts: list[float] = []
        began = time.perf_counter()
        for index in range(TIMED_FRAMES):
            if ring.pending == ring.depth:
                ring.collect()
                ends.append(time.perf_counter())
            starts.append(time.perf_counter())
            ring.submit(*pairs[index % 8])
            submits.append(time.perf_counter() - starts[-1])
        while ring.pending:
            ring.collect()
            ends.append(time.perf_counter())
        seconds = time.perf_counter() - began
        latencies = [(end - start) * 1e3 for start, end in zip(starts, ends, strict=True)]
        some = [pairs[index % 8] for index in range(SHARED_FRAMES)]
        others = share_left_by(lambda: deque(_through(ring, some), maxlen=0))
    rate, host_ms = TIMED_FRAMES / seconds, float(np.median(submits)) * 1e3
    return RingRun(
        library=gpu.name,
        depth=options.depth,
        zero_copy=options.zero_copy,
        graph=options.graph and gpu.graphs is not None,
        latency_ms=Percentiles.of(latencies),
        frames_per_second=rate,
        host_ms=host_ms,
        host_share=host_ms / (1e3 / rate),
        gpu_share=None if work is None else work * rate,
        others_share=others,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every library that is installed, then time CoCoNet FP16 behind the ring; print one line a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only move frames, as for compute-sanitizer")
    parser.add_argument("--model", default="coconet", help="a checkpoint, the word lite or coconet, or an engine")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        device, size, runs = first_cuda_device(), (chosen.height, chosen.width), []
        for gpu in _installed():
            check(gpu, *((64, 96) if chosen.check else size))
            print(f"{gpu.name}: every frame came back as it was sent", flush=True)
        if not chosen.check:
            for run in time_all(chosen.model, size):
                runs.append(run)
                print(json.dumps(dataclasses.asdict(run)), flush=True)
        if chosen.json:
            told = {"device": dataclasses.asdict(device), "runs": [dataclasses.asdict(run) for run in runs]}
            with whole_file(chosen.json) as scratch:
                scratch.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except CoconetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def time_all(model: str, size: tuple[int, int]) -> Iterator[RingRun]:
    """Time every kind of ring with every library; model: as for the option --model."""
    work = torch_engine = None
    if not model.endswith(ENGINE_SUFFIX):
        torch_engine, peak = TorchEngine(model, *size), matrix_tflops()
        work = torch_engine.tflop / peak
        print(f"{peak:.0f} TFLOP/s in FP16 matrix products", flush=True)
    for gpu in _installed():
        with nullcontext(torch_engine) if torch_engine else engine_of(Path(model), size, gpu) as engine:
            graphs = (False, True) if gpu.graphs and engine.capturable else (False,)
            for depth, zero_copy, graph in itertools.product((1, 3), (False, True), graphs):
                yield time_ring(gpu, engine, size, RingOptions(depth, zero_copy, graph), work)


def _installed() -> Iterator[GpuMemory]:
    refused: list[CoconetError] = []
    for name in LIBRARIES:
        try:
            yield open_gpu_memory(name)
        except (MissingPackage, GpuRefused) as error:  # noqa: PERF203  three of them
            print(f"{name}: left out ({error.got})", flush=True)
            refused.append(error)
    if len(refused) == len(LIBRARIES):
        raise refused[0]


def _shapes(height: int, width: int) -> dict[str, Shape]:
    return {VISIBLE: (height, width, 3), INFRARED: (height, width, 1), FUSED: (height, width, 3)}


@contextmanager
def _ring(gpu: GpuMemory, engine: GpuEngine, shapes: Mapping[str, Shape], options: RingOptions) -> Iterator[FrameRing]:
    with gpu.current():
        ring = FrameRing(gpu, engine, shapes, options)
        try:
            yield ring
        finally:
            ring.close()


def _through(ring: FrameRing, pairs: Sequence[Pair]) -> Iterator[Pixels]:
    for pair in pairs:
        if ring.pending == ring.depth:
            yield ring.collect()
        ring.submit(*pair)
    while ring.pending:
        yield ring.collect()


if __name__ == "__main__":
    sys.exit(main())
