"""BatchNorm as scale and shift, worked out in double precision before a network becomes narrower."""

from __future__ import annotations

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


class ScaleShift(nn.Module):
    """What a BatchNorm with stored statistics computes: every channel times its scale plus its shift."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.float().view(1, -1, 1, 1))
        self.register_buffer("shift", shift.float().view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return x * self.scale + self.shift


def settle_batch_norms(network: nn.Module, *, fold: bool) -> int:
    """Replace every BatchNorm2d with stored statistics, in place; return how many went into their convolution.

    A stored variance may be above 65504, the largest half-precision number, while the scale it makes is not.
    fold: those directly behind a convolution in an nn.Sequential go into its weights; the others become a ScaleShift.
    """
    folded = 0
    for parent in list(network.modules()):
        before: nn.Module | None = None
        for name, layer in list(parent.named_children()):
            if _is_settled_by_its_file(layer):
                scale, shift = _scale_and_shift(layer)
                if fold and type(parent) is nn.Sequential and type(before) is nn.Conv2d:
                    _put_into(before, scale, shift)
                    parent.set_submodule(name, nn.Identity())
                    folded += 1
                else:
                    parent.set_submodule(name, ScaleShift(scale, shift))
            before = layer
    return folded


def _is_settled_by_its_file(layer: nn.Module) -> bool:
    return (
        isinstance(layer, nn.BatchNorm2d)
        and type(layer).forward is nn.BatchNorm2d.forward
        and (layer.running_var is not None and not layer.training)
    )


def _scale_and_shift(layer: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.BatchNorm2d)  # noqa: S101  _is_settled_by_its_file has looked
    assert layer.running_mean is not None  # noqa: S101
    assert layer.running_var is not None  # noqa: S101
    with torch.no_grad():
        scale = (layer.running_var.double() + layer.eps).rsqrt()
        if layer.affine:
            scale = scale * layer.weight.double()
        shift = -layer.running_mean.double() * scale
        return scale, shift + layer.bias.double() if layer.affine else shift


def _put_into(layer: nn.Module, scale: Tensor, shift: Tensor) -> None:
    assert isinstance(layer, nn.Conv2d)  # noqa: S101  the caller has looked
    with torch.no_grad():
        layer.weight.copy_(layer.weight.double() * scale.view(-1, 1, 1, 1))
        bias = shift if layer.bias is None else layer.bias.double() * scale + shift
        layer.bias = nn.Parameter(bias.to(layer.weight.dtype), requires_grad=False)
