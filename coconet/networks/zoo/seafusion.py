"""SeAFusion (Tang et al., Information Fusion 2022): gradient residual dense blocks on each image, one decoder."""

from __future__ import annotations

from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.cards.tiling import Tiling
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, leaky, named
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


class Sobel(nn.Module):
    """Two gradients of every channel by itself, learnt from Sobel's on; their absolute values added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convx = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.convy = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        gradient: Tensor = self.convx(x).abs() + self.convy(x).abs()
        return gradient


class Block(nn.Module):
    """The gradient residual dense block."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.ModuleDict(
            {f"conv{step}": named(conv=conv(inputs * step, inputs)) for step in (1, 2)},
        )
        self.convdown = named(conv=conv(3 * inputs, outputs, kernel=1))
        self.sobelconv = Sobel(inputs)
        self.convup = named(conv=conv(inputs, outputs, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        dense = x
        for layer in self.dense.values():
            dense = torch.cat((dense, leaky(layer(dense))), dim=1)
        return functional.leaky_relu(self.convdown(dense) + self.convup(self.sobelconv(x)), 0.1)


class SeAFusion(nn.Module):
    """The network. Parameters are named as in the published file, but for the BatchNorms that are never applied."""

    def __init__(self) -> None:
        super().__init__()
        for side in ("vis", "inf"):
            self.add_module(f"{side}_conv", named(conv=conv(1, 16)))
            self.add_module(f"{side}_rgbd1", Block(16, 32))
            self.add_module(f"{side}_rgbd2", Block(32, 48))
        self.decode4 = named(conv=conv(96, 64))
        self.decode3 = named(conv=conv(64, 32))
        self.decode2 = named(conv=conv(32, 16))
        self.decode1 = named(conv=conv(16, 1))

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1 to one in 0..1."""
        x = torch.cat((self._features("vis", visible), self._features("inf", infrared)), dim=1)
        for layer in (self.decode4, self.decode3, self.decode2):
            x = leaky(layer(x))
        return torch.tanh(self.decode1(x)) / 2 + 0.5

    def _features(self, side: str, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, 48, H, W)."""
        x = leaky(self.get_submodule(f"{side}_conv")(image))
        features: Tensor = self.get_submodule(f"{side}_rgbd2")(self.get_submodule(f"{side}_rgbd1")(x))
        return features


def _without_idle_layers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # Re-saved files lack them.
    return {name: tensor for name, tensor in tensors.items() if not (name.startswith("decode") and ".bn." in name)}


PUBLISHED = Signature(tiling=Tiling(9, 2700))

COLOUR = "luma is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "seafusion",
    SeAFusion,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("visible,infrared", "zeros", COLOUR, stretched=True),
    adapt=_without_idle_layers,
)
