"""DIDFuse (Zhao et al., IJCAI 2020): images taken apart into background and detail, added, and put together again."""

from __future__ import annotations

from coconet.cards.model_card import Publication, Signature
from coconet.cards.tiling import Tiling
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, named, normalised, of_both
from coconet.networks.network import Network, RuledCore

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


RULES = ("sum", "average", "l1")

WIDTH = 64


def _block(name: str, inputs: int, activation: nn.Module) -> nn.Sequential:
    return named(**{name: normalised(conv(inputs, WIDTH), activation)})


def _block_at_an_end(name: str, inputs: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    layer = normalised(nn.Conv2d(inputs, outputs, kernel_size=3), activation)
    return named(**{name: nn.Sequential(nn.ReflectionPad2d(1), *layer)})


class Encoder(nn.Module):
    """One image to its features: first, second, background and detail."""

    def __init__(self) -> None:
        super().__init__()
        self.cov1 = _block_at_an_end("cov1", 1, WIDTH, nn.PReLU())
        self.cov2 = _block("cov2", WIDTH, nn.PReLU())
        self.cov3 = _block("cov3", WIDTH, nn.Tanh())
        self.cov4 = _block("cov4", WIDTH, nn.Tanh())

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, 256, H, W): four times 64 maps."""
        first = self.cov1(image)
        second = self.cov2(first)
        return torch.cat((first, second, self.cov3(second), self.cov4(second)), dim=1)


class Decoder(nn.Module):
    """The fused features to one image; the first two stand beside what the others became."""

    def __init__(self) -> None:
        super().__init__()
        self.cov5 = _block("cov5", 2 * WIDTH, nn.PReLU())
        self.cov6 = _block("cov6", 2 * WIDTH, nn.PReLU())
        self.cov7 = _block_at_an_end("cov7", 2 * WIDTH, 1, nn.Sigmoid())

    def forward(self, first: Tensor, second: Tensor, background: Tensor, detail: Tensor) -> Tensor:
        """Four (B, 64, H, W) to (B, 1, H, W) in 0..1."""
        x = self.cov5(torch.cat((background, detail), dim=1))
        x = self.cov6(torch.cat((x, second), dim=1))
        answer: Tensor = self.cov7(torch.cat((x, first), dim=1))
        return answer


class DIDFuse(RuledCore):
    """The network; each half is named as in its published file (30 and 23 tensors)."""

    def __init__(self) -> None:
        super().__init__(RULES[0])
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1 to one in 0..1."""
        seen, felt = (features.chunk(4, dim=1) for features in of_both(self.encoder, visible, infrared))
        fused: Tensor = self.decoder(*(self._join(one, other) for one, other in zip(seen, felt, strict=True)))
        return fused

    def _join(self, visible: Tensor, infrared: Tensor) -> Tensor:
        if self.rule == "l1":
            return _by_activity(visible, infrared)
        return visible + infrared if self.rule == "sum" else (visible + infrared) / 2


def _by_activity(visible: Tensor, infrared: Tensor) -> Tensor:
    """Weighted by the mean of absolute values around a pixel, summed over all channels, as a share of both images'."""
    seen, felt = (
        functional.avg_pool2d(maps.abs().float().sum(dim=1, keepdim=True), 3, stride=1, padding=1)
        for maps in (visible, infrared)
    )
    share = (seen / (seen + felt).clamp_min(1e-12)).to(visible.dtype)
    return share * visible + (1.0 - share) * infrared


PUBLISHED = Signature(normalization="running", tiling=Tiling(6, 6000))

NETWORK = Network(
    "didfuse",
    DIDFuse,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("either", "reflection", fusion_rule="sum"),
    parts=("encoder", "decoder"),
    rules=RULES,
)
