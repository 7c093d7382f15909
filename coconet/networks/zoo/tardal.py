"""TarDAL (Liu et al., CVPR 2022; the first release): a dense network on both images together."""

from __future__ import annotations

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, cut_off, normalised
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH, DEPTH = 32, 3


class TarDAL(nn.Module):
    """The generator. Parameters are named as in the published files (46 tensors): tardal, tardal+ and tardal++."""

    def __init__(self) -> None:
        super().__init__()
        joined = WIDTH * (DEPTH + 1)
        self.encoder = normalised(conv(2, WIDTH), nn.ReLU())
        self.dense = nn.ModuleList(normalised(conv(WIDTH * step, WIDTH), nn.ReLU()) for step in range(1, DEPTH + 1))
        self.fuse = nn.Sequential(
            nn.Sequential(conv(joined, joined), nn.ReLU()),
            normalised(conv(joined, 64), nn.ReLU()),
            normalised(conv(64, 32), nn.ReLU()),
            nn.Sequential(conv(32, 1), nn.Tanh()),
        )

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1 to one in 0..1: what the last tanh gives below 0 is cut off."""
        x = self.encoder(torch.cat((infrared, visible), dim=1))
        for layer in self.dense:
            x = torch.cat((x, layer(x)), dim=1)  # older maps first
        fused: Tensor = self.fuse(x)
        return cut_off(self, fused, 0.0, 1.0)


PUBLISHED = Signature(normalization="running")

COLOUR = "luma is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "tardal",
    TarDAL,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "zeros", COLOUR),
)
