"""Fuser: a fusion network that takes camera frames and gives a picture, as one PyTorch module."""

from __future__ import annotations

from coconet.errors import CoconetError, MissingPackage
from coconet.signature import Signature

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error

BGR_TO_LUMA = (0.114, 0.587, 0.299)
"""BT.601 luma of full-range B, G, R."""


class Fuser(nn.Module):
    """Wraps a network core so that uint8 frames go in and a uint8 picture comes out.

    Everything between camera and screen happens here and therefore in the exported graph: luma, padding, scaling, the
    network, the visible chroma put back, clipping and rounding.
    half: run the core in half precision; what stands around it stays in single precision, where it costs nothing.
    """

    luma: Tensor

    def __init__(self, core: nn.Module, signature: Signature, visible_channels: int = 3, half: bool = False) -> None:
        super().__init__()
        self.core = core.half() if half else core
        self.signature = signature
        self.half_precision = half
        weights = BGR_TO_LUMA if visible_channels == 3 else (1.0,)
        self.register_buffer("luma", torch.tensor(weights).view(1, -1, 1, 1), persistent=False)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """(B, H, W, C) and (B, H, W, 1), uint8, to (B, H, W, C) uint8; C is 3 (BGR) or 1 (gray)."""
        picture = visible.float().permute(0, 3, 1, 2)  # in this order: TensorRT transposes no bytes
        luma = (picture * self.luma).sum(dim=1, keepdim=True) if len(self.luma.flatten()) > 1 else picture
        fused = self.fuse_gray(luma, infrared.float().permute(0, 3, 1, 2))
        # Equal to replacing Y and keeping Cb and Cr: every colour is Y plus a multiple of its chroma.
        painted = (picture + (fused - luma)) if len(self.luma.flatten()) > 1 else fused
        return painted.clamp(0.0, 255.0).round().permute(0, 2, 3, 1).to(torch.uint8)

    def fuse_gray(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) float images in 0..255 to one, not clipped."""
        height, width = visible.shape[-2:]
        multiple = self.signature.side_multiple
        low, high = self.signature.input_range
        inputs = [
            mirror_pad(mirror_pad(image * ((high - low) / 255.0) + low, 2, multiple), 3, multiple)
            for image in (visible, infrared)
        ]
        if self.half_precision:
            inputs = [image.half() for image in inputs]
        output = crop(crop(self.core(*inputs).float(), 2, height), 3, width)
        low, high = self.signature.output_range
        return (output - low) * (255.0 / (high - low))


def mirror_pad(image: Tensor, dim: int, multiple: int) -> Tensor:
    """Extend one dimension to the next multiple by reflection, half before and the odd rest behind.

    Written as a gather of rows, because a reflecting Pad of an amount known only at run time cannot be exported.
    """
    size = image.shape[dim]
    if _fits(size, multiple):
        return image
    padded = (size + multiple - 1) // multiple * multiple
    place = (torch.arange(padded, device=image.device) - _margin(size, padded)).abs()
    return image.index_select(dim, (size - 1) - ((size - 1) - place).abs())


def crop(image: Tensor, dim: int, size: int) -> Tensor:
    """Take back what mirror_pad added to a dimension that had this size."""
    if _fits(size, image.shape[dim]):
        return image
    return image.narrow(dim, _margin(size, image.shape[dim]), size)


def _fits(size: int, multiple: int) -> bool:
    # In a graph of any size the size is symbolic, no int: asking about its value would fix the graph to the answer.
    return multiple == 1 or (isinstance(size, int) and size % multiple == 0)


def _margin(size: int, padded: int) -> int:
    # floor((padded - size) / 2) for even `padded`, without dividing a negative number: ONNX would round that up.
    return padded // 2 - (size + 1) // 2


def check_frame_size(height_px: int, width_px: int, signature: Signature) -> None:
    """Refuse sizes whose reflect padding would be wider than the picture itself."""
    if min(height_px, width_px) < max(8, signature.side_multiple // 2 + 1):
        raise CoconetError(
            "frame size",
            wanted=f"at least {max(8, signature.side_multiple // 2 + 1)} pixels a side",
            got=f"{height_px}x{width_px} (height x width)",
            remedy="Use larger pictures.",
        )
