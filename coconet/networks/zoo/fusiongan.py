"""FusionGAN (Ma et al., Information Fusion 2019): five layers on both images, normalised by the picture at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, from_tensorflow, leaky
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


LAYERS = ((2, 256, 5), (256, 128, 5), (128, 64, 3), (64, 32, 3), (32, 1, 1))
"""Inputs, outputs and kernel; none pads, so the picture is widened by 2 + 2 + 1 + 1 pixels on every side before."""

MARGIN_PX = 6

VARIABLE = re.compile(r"fusion_model/(layer[1-5])/([wb])[1-5]")

UNUSED = re.compile(r"^discriminator/|/weights_SN/|/BatchNorm/")
"""The test normalises by the picture at hand, without gain or offset: what is stored of it is not read."""


class FusionGAN(nn.Module):
    """The generator (10 tensors)."""

    def __init__(self) -> None:
        super().__init__()
        for number, (inputs, outputs, kernel) in enumerate(LAYERS, start=1):
            self.add_module(f"layer{number}", nn.Conv2d(inputs, outputs, kernel))

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in -1..1 to one in -1..1."""
        x = functional.pad(torch.cat((infrared, visible), dim=1), (MARGIN_PX,) * 4, mode="replicate")
        *inner, last = self.children()
        for layer in inner:
            x = leaky(_by_image(layer(x)))
        return torch.tanh(last(x))


def _by_image(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 for every channel of every image; sums over a frame outgrow half precision."""
    return functional.instance_norm(x.float(), eps=1e-5).to(x.dtype)


def _from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def name_of(variable: str) -> str | None:
        if UNUSED.search(variable):
            return ""
        match = VARIABLE.fullmatch(variable)
        return match and f"{match[1]}.{'weight' if match[2] == 'w' else 'bias'}"

    return from_tensorflow(tensors, name_of)


PUBLISHED = Signature(input_range=(-1.0, 1.0), output_range=(-1.0, 1.0), normalization="image")

NETWORK = Network(
    "fusiongan",
    FusionGAN,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "edge", stretched=True),
    adapt=_from_tensorflow,
)
