"""DenseFuse (Li and Wu, IEEE TIP 2019): a dense encoder for both images, features averaged, a plain decoder.

The author's port to PyTorch, and the original.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.cards.tiling import Tiling
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, ReflectedConv, cut_off, from_tensorflow, named, of_both, reflected
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH, STEPS = 16, 3

DECODER = ((64, 64), (64, 32), (32, WIDTH), (WIDTH, 1))

VARIABLE = re.compile(r"(encoder|decoder)/(\w+)/(kernel|bias)")


class DenseBlock(nn.Module):
    """Three convolutions, each on everything before it, older maps first."""

    def __init__(self) -> None:
        super().__init__()
        self.denseblock = nn.ModuleList(
            named(dense_conv=ReflectedConv(WIDTH * (step + 1), WIDTH)) for step in range(STEPS)
        )

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


class DenseFuseOriginal(nn.Module):
    """The author's first one, of TensorFlow 1 (16 tensors). Newer maps come first, and the last layer has no ReLU."""

    def __init__(self) -> None:
        super().__init__()
        dense = {f"dense_block_conv{step}": ReflectedConv(WIDTH * step, WIDTH) for step in range(1, STEPS + 1)}
        self.encoder = nn.ModuleDict({"conv1_1": ReflectedConv(1, WIDTH), **dense})
        *inner, last = (f"conv2_{number}" for number in range(1, len(DECODER) + 1))
        layers = {name: ReflectedConv(*widths) for name, widths in zip(inner, DECODER, strict=False)}
        self.decoder = nn.ModuleDict({**layers, last: named(conv2d=reflected(*DECODER[-1]))})

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..255 to one in 0..255."""
        features = self._features(torch.cat((visible, infrared)))
        x = (features[: len(visible)] + features[len(visible) :]) / 2
        for layer in self.decoder.values():
            x = layer(x)
        return cut_off(self, x, 0.0, 255.0)

    def _features(self, images: Tensor) -> Tensor:
        first, *dense = self.encoder.values()
        x: Tensor = first(images)
        for layer in dense:
            x = torch.cat((layer(x), x), dim=1)
        return x


def _from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def name_of(variable: str) -> str | None:
        match = VARIABLE.fullmatch(variable)
        return match and f"{match[1]}.{match[2]}.conv2d.{'weight' if match[3] == 'kernel' else 'bias'}"

    return from_tensorflow(tensors, name_of)


PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(0.0, 255.0), tiling=Tiling(8, 2400))

NETWORK = Network(
    "densefuse",
    DenseFuse,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("either", "reflection", fusion_rule="average"),
)

ORIGINAL = Network(
    "densefuse-tensorflow",
    DenseFuseOriginal,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("either", "reflection", fusion_rule="average", stretched=True),
    adapt=_from_tensorflow,
)
