"""Building blocks that several published networks share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from coconet.errors import MissingPackage
from coconet.networks.network import Training

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


SLOPE = 0.2
"""Negative slope of the LeakyReLUs."""


class ReflectedConv(nn.Module):
    """A convolution behind a reflecting pad that keeps the size, then ReLU; named as its first author does.

    last: it makes the picture. In training that has no ReLU: one that begins below 0 would have no gradient anywhere.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, last: bool = False) -> None:
        super().__init__()
        self.conv2d = reflected(inputs, outputs, kernel)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W), 0 or more."""
        x = self.conv2d(x)
        return x if self.last and self.training else torch.relu(x)


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


def cut_off(network: nn.Module, x: Tensor, low: float, high: float) -> Tensor:
    """What is below `low` or above `high` ends there; not in training, where it would have no gradient."""
    return x if network.training else x.clamp(low, high)


def _prepare(core: nn.Module, imagenet: Path | None) -> str:
    for layer in core.modules():
        if isinstance(layer, ReflectedConv):  # many in a row, and the usual start would fade out
            nn.init.kaiming_normal_(layer.conv2d.weight, nonlinearity="relu")
            nn.init.zeros_(layer.conv2d.bias)  # type: ignore[arg-type]
    return "no encoder in this network"


def _hold_statistics(core: nn.Module) -> None:
    for layer in core.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


TRAINING: Training[nn.Module] = Training(_prepare, settle=_hold_statistics)
"""How the published networks are trained: BatchNorms keep their stored statistics at the end."""


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
