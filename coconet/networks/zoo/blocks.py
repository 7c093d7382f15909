"""Building blocks that several published networks share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


SLOPE = 0.2
"""Negative slope of the LeakyReLUs."""


class ReflectedConv(nn.Module):
    """A convolution behind a reflecting pad that keeps the size, then ReLU; named as its first author does."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv2d = reflected(inputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W), 0 or more."""
        return torch.relu(self.conv2d(x))


def conv(inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True) -> nn.Conv2d:
    """A convolution of odd kernel with zeros around the picture, which keeps its size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)


def reflected(inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True) -> nn.Conv2d:
    """The same with the picture's reflection around it."""
    return nn.Conv2d(
        inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect" if kernel > 1 else "zeros", bias=bias
    )


def normalised(layer: nn.Conv2d, *behind: nn.Module) -> nn.Sequential:
    """A convolution, its BatchNorm (stored statistics, eps 1e-5), and what follows."""
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), *behind)


def named(**layers: nn.Module) -> nn.Sequential:
    """Layers in turn, under names."""
    return nn.Sequential(OrderedDict(layers))


def leaky(x: Tensor) -> Tensor:
    """LeakyReLU of SLOPE."""
    return functional.leaky_relu(x, SLOPE)


def of_both(layer: nn.Module, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """One layer on two maps of one shape, at once: both in one batch."""
    answers: Tensor = layer(torch.cat((first, second)))
    return answers[: len(first)], answers[len(first) :]


def from_tensorflow(tensors: Mapping[str, Tensor], name_of: Callable[[str], str | None]) -> dict[str, Tensor]:
    """A state dict from the variables of TensorFlow 1.

    name_of: what the network calls a variable; empty for one that it does not use, None for a name that is no
    variable of its, which stays. Kernels go from (height, width, in, out) to (out, in, height, width); both frameworks
    correlate, so nothing is flipped.
    """
    found = {}
    for theirs, tensor in tensors.items():
        ours = name_of(theirs)
        if ours is None:
            found[theirs] = tensor
        elif ours:
            found[ours] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor
    return found
