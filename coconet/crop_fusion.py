"""Crop fusion: a network core run on crops in 0..1, whatever range of values it works in."""

from __future__ import annotations

from coconet.errors import MissingPackage
from coconet.signature import Signature

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


def fuse_crops(core: nn.Module, signature: Signature, visible: Tensor, infrared: Tensor) -> Tensor:
    """Run a core on (B, 1, H, W) images in 0..1 and map its answer back to 0..1, not clipped.

    The answer is float32, whatever the convolutions run in.
    """
    low, high = signature.input_range
    inputs = (
        (image * (high - low) + low).contiguous(memory_format=torch.channels_last) for image in (visible, infrared)
    )
    with fast_convolutions(visible.device):
        answer: Tensor = core(*inputs)
    low, high = signature.output_range
    return (answer.float() - low) / (high - low)


def fast_convolutions(device: torch.device) -> torch.autocast:
    """A context in which convolutions run in bfloat16, where the processor has units for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=_fast_bfloat16(device))


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
