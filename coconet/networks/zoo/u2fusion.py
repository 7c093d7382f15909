"""U2Fusion (Xu et al., TPAMI 2020): a dense network on both images together; the original and a port to PyTorch."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, from_tensorflow, leaky, named, reflected
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


GROWTH, STEPS = 44, 5

DECODER = ((264, 128), (128, 64), (64, 32), (32, 1))

VARIABLE = re.compile(r"Generator(?:_1)?/(encoder|decoder)/(\w+)/(kernel|bias)")


class U2Fusion(nn.Module):
    """The authors' own network, of TensorFlow 1 (20 tensors). Newer maps come first, every layer reflects."""

    def __init__(self) -> None:
        super().__init__()
        dense = {f"dense_block_conv{step}": reflected(GROWTH * step, GROWTH) for step in range(1, STEPS + 1)}
        self.encoder = nn.ModuleDict({"conv1_1": reflected(2, GROWTH), **dense})
        self.decoder = nn.ModuleDict(
            {f"conv2_{number}": reflected(*widths) for number, widths in enumerate(DECODER, start=1)}
        )

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1 to one in -1..1."""
        first, *dense = self.encoder.values()
        x = leaky(first(torch.cat((infrared, visible), dim=1)))
        for layer in dense:
            x = torch.cat((leaky(layer(x)), x), dim=1)
        *inner, last = self.decoder.values()
        for layer in inner:
            x = leaky(layer(x))
        return torch.tanh(last(x))


class U2FusionPort(nn.Module):
    """A third party's port, of PyTorch (20 tensors). Older maps come first, zeros stand around the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = nn.Sequential(conv(2, GROWTH), nn.LeakyReLU(0.2))
        self.dense_layers = nn.ModuleList(
            named(conv=nn.Sequential(conv(GROWTH * step, GROWTH), nn.LeakyReLU(0.2))) for step in range(1, STEPS + 1)
        )
        inner = (nn.Sequential(conv(*widths), nn.LeakyReLU(0.2)) for widths in DECODER[:-1])
        self.sub = nn.Sequential(*inner, conv(*DECODER[-1]), nn.Tanh())

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in -1..1 to one in -1..1."""
        x = self.conv_1(torch.cat((infrared, visible), dim=1))
        for layer in self.dense_layers:
            x = torch.cat((x, layer(x)), dim=1)
        fused: Tensor = self.sub(x)
        return fused


def _from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def name_of(variable: str) -> str | None:
        match = VARIABLE.fullmatch(variable)
        return match and f"{match[1]}.{match[2]}.{'weight' if match[3] == 'kernel' else 'bias'}"

    return from_tensorflow(tensors, name_of)


PUBLISHED = Signature(input_range=(0.0, 1.0), output_range=(-1.0, 1.0))

OF_PORT = Signature(input_range=(-1.0, 1.0), output_range=(-1.0, 1.0))

COLOUR = "luma is fused; chroma of both images, weighted by its strength, which for gray infrared is the visible one"

NETWORK = Network(
    "u2fusion",
    U2Fusion,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "reflection", COLOUR, stretched=True),
    adapt=_from_tensorflow,
)

PORT = Network(
    "u2fusion-pytorch",
    U2FusionPort,
    OF_PORT,
    OF_PORT,
    training=TRAINING,
    publication=Publication("infrared,visible", "zeros", COLOUR),
)
