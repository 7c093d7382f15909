"""PyTorch as the engine behind the frame ring, in FP16 on memory it does not own; and the matrix rate of a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coconet.errors import MissingPackage
from coconet.signature import FUSED, INFRARED, VISIBLE
from runtime.gpu_memory import GpuObject, gpu_refused

MATRIX_SIDE, MATRIX_RUNS = 8192, 20


class TorchEngine:
    """A checkpoint in half precision; implements runtime.frame_ring.GpuEngine for one frame size.

    tflop: floating point operations of a frame, in 10^12, as PyTorch counts them.
    """

    capturable = True

    def __init__(self, model: str, height: int, width: int) -> None:
        torch = _torch()
        from coconet.checkpoint import load_checkpoint
        from coconet.fuser import Fuser
        from coconet.shipped import CHECKPOINTS, shipped_checkpoint

        checkpoint = load_checkpoint(shipped_checkpoint(model) if model in CHECKPOINTS else Path(model))
        self._fuser = Fuser(checkpoint.core, checkpoint.signature, half=True).cuda().eval()
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
        raise gpu_refused("PyTorch", str(error).partition("\n")[0]) from error


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
