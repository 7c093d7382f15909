"""DenseFuse (Li and Wu, IEEE TIP 2019): a dense encoder for both images, features averaged, a plain decoder."""

from __future__ import annotations

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.network import Network
from coconet.networks.zoo.blocks import TRAINING, ReflectedConv, cut_off, named, of_both

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH = 16


class DenseBlock(nn.Module):
    """Three convolutions, each on everything before it, older maps first."""

    def __init__(self) -> None:
        super().__init__()
        self.denseblock = nn.ModuleList(named(dense_conv=ReflectedConv(WIDTH * (step + 1), WIDTH)) for step in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 16, H, W) to (B, 64, H, W)."""
        for layer in self.denseblock:
            x = torch.cat((x, layer(x)), dim=1)
        return x


class DenseFuse(nn.Module):
    """The network for gray images. Parameters are named as in the published file (16 tensors)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ReflectedConv(1, WIDTH)
        self.DB1 = DenseBlock()
        self.conv2 = ReflectedConv(64, 64)
        self.conv3 = ReflectedConv(64, 32)
        self.conv4 = ReflectedConv(32, WIDTH)
        self.conv5 = ReflectedConv(WIDTH, 1, last=True)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..255 to one in 0..255."""
        first, second = of_both(nn.Sequential(self.conv1, self.DB1), visible, infrared)  # 64 each
        fused: Tensor = self.conv5(self.conv4(self.conv3(self.conv2((first + second) / 2))))
        return cut_off(self, fused, 0.0, 255.0)


PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(0.0, 255.0))

NETWORK = Network(
    "densefuse",
    DenseFuse,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("either", "reflection", fusion_rule="average"),
)
