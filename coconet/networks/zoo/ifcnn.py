"""IFCNN (Zhang et al., Information Fusion 2020): ResNet's first convolution, features joined by a rule."""

from __future__ import annotations

from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.cards.tiling import Tiling
from coconet.errors import MissingPackage
from coconet.media.luma_weights import BGR_WEIGHTS
from coconet.networks.layers.blocks import TRAINING, cut_off, named, of_both
from coconet.networks.network import Network, RuledCore

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


RULES = ("maximum", "sum", "average")

WIDTH = 64

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, R, G, B, as published."""


def _edged(inputs: int, kernel: int, *, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(inputs, WIDTH, kernel, padding=kernel // 2, padding_mode="replicate", bias=bias)


def _block() -> nn.Sequential:
    return named(conv=_edged(WIDTH, 3, bias=False), bn=nn.BatchNorm2d(WIDTH), relu=nn.ReLU())


class IFCNN(RuledCore):
    """The network for gray images; MAX, SUM and MEAN are files of it for the three rules.

    The first convolution has taken up the three equal channels and their normalisation (see `_for_gray`).
    """

    mean: Tensor
    deviation: Tensor
    gray: Tensor

    def __init__(self) -> None:
        super().__init__(RULES[0])
        self.conv1 = _edged(1, 7, bias=True)
        self.conv2 = _block()
        self.conv3 = _block()
        self.conv4 = nn.Conv2d(WIDTH, 3, kernel_size=1)
        # The authors read the three channels of the answer, in the order of MEAN, as B, G, R.
        for name, values in (("mean", MEAN), ("deviation", DEVIATION), ("gray", BGR_WEIGHTS)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1 to one in 0..1."""
        features = of_both(nn.Sequential(self.conv1, self.conv2), visible, infrared)
        colours = self.conv4(self.conv3(self._join(*features))) * self.deviation + self.mean
        fused: Tensor = (cut_off(self, colours, 0.0, 1.0) * self.gray).sum(dim=1, keepdim=True)
        return fused

    def _join(self, visible: Tensor, infrared: Tensor) -> Tensor:
        if self.rule == "maximum":
            return torch.maximum(visible, infrared)
        return visible + infrared if self.rule == "sum" else (visible + infrared) / 2


def _for_gray(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Fold three equal channels, each shifted by its mean and scaled by its deviation, into the first convolution.

    The picture's edge is repeated around it, so the shift is the same constant there: nothing is lost.
    """
    kernel = tensors.get("conv1.weight")
    if kernel is None or kernel.shape != (WIDTH, 3, 7, 7):
        return tensors
    mean, deviation = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    scaled = kernel.double() / deviation
    folded = {
        "conv1.weight": scaled.sum(dim=1, keepdim=True).float(),
        "conv1.bias": -(scaled * mean).sum(dim=(1, 2, 3)).float(),
    }
    counters = {f"{name}.bn.num_batches_tracked": torch.tensor(0) for name in ("conv2", "conv3")}  # absent in old files
    return {**counters, **tensors, **folded}


PUBLISHED = Signature(normalization="running", tiling=Tiling(5, 1600))

COLOUR = "gray is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "ifcnn",
    IFCNN,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("either", "edge", COLOUR, fusion_rule="maximum"),
    adapt=_for_gray,
    rules=RULES,
    trained_for={"SUM": "sum", "MEAN": "average"},
)
