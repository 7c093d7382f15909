"""The features of VGG-19 at five depths: what the contrastive loss compares pictures by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coconet.errors import MissingPackage
from coconet.networks.layers.vgg import gray_kernel, load_imagenet

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))
"""Widths of VGG-19's convolutions up to conv5_1; a pooling step stands between two stages."""

SUBSTITUTE_SEED = 19
"""Seed of the weights that stand in where those of ImageNet are missing."""


class Vgg19Features(nn.Module):
    """VGG-19 up to relu5_1 for one gray channel. Parameters are named as in torchvision, `features.0.weight` ..."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._taps: list[int] = []
        channels = 1
        for stage in STAGES:
            self._taps.append(len(layers) + 2 if layers else 1)  # the first ReLU of the stage, past the pooling step
            layers += [nn.MaxPool2d(2)] * bool(layers)
            for width in stage:
                layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 1, H, W) in -1..1 to relu1_1 ... relu5_1: (B, 64, H, W), (B, 128, H/2, W/2) ... (B, 512, H/16, W/16)."""
        taps = []
        for index, layer in enumerate(self.features):
            image = layer(image)
            if index in self._taps:
                taps.append(image)
        return taps


def frozen_features(file: Path | None) -> tuple[Vgg19Features, str]:
    """The features with ImageNet weights from `file`, and in words what they are.

    Without a file, weights drawn at random (He et al. 2015) with a fixed seed stand in: they compare pictures by edges
    and texture at five scales, but know no objects.
    """
    features = Vgg19Features().eval()
    if file is not None:
        load_imagenet(features, imagenet_features, file)
        return features, f"contrastive loss on the features of {file.name}"
    generator = torch.Generator().manual_seed(SUBSTITUTE_SEED)
    for layer in features.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    features.requires_grad_(False)
    return features, "no ImageNet weights for the contrastive loss: random VGG-19 features stand in for them"


def imagenet_features(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn a torchvision VGG-19 state dict into one of Vgg19Features. Raises KeyError if a layer is missing."""
    with torch.device("meta"):  # the names are wanted, not the numbers
        names = Vgg19Features().state_dict().keys()
    taken = {name: state[name] for name in names}
    return {**taken, "features.0.weight": gray_kernel(taken["features.0.weight"])}
