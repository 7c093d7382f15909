"""LiteNet: a small fusion network at quarter resolution that two processor cores run live."""

from __future__ import annotations

from coconet.cards.model_card import Signature
from coconet.errors import MissingPackage
from coconet.networks.network import Network, Training

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


OURS = Signature(input_range=(0.0, 1.0), output_range=(0.0, 1.0), side_multiple=8)

COARSE = 8
"""Side of the squares, in pixels, whose means make the coarse band."""

ADDED = 0.5
"""The most that the network may add to or take from the blend, of the range 0..1."""


class LiteNet(nn.Module):
    """About 0.18 M parameters and 2.3 GMAC at 640x480.

    It does not paint the fused picture. Each source is split into a coarse band, its mean over 8x8 pixels, and the
    detail above that. At a quarter and an eighth of the size the network decides, for every pixel, how to share the
    coarse band, how much detail of each source to keep, and what to add; that is applied at full resolution. So
    texture cannot be blurred by the small size, and rounding to INT8 disturbs the decision and not the picture.
    There is no normalisation layer: the same picture always gives the same answer.
    """

    def __init__(self, width: int = 48, deep_width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, kernel_size=8, stride=4, padding=2)
        self.quarter = _conv(width, width)
        self.down = nn.Conv2d(width, deep_width, kernel_size=3, stride=2, padding=1)
        self.eighth_1 = _conv(deep_width, deep_width)
        self.eighth_2 = _conv(deep_width, deep_width)
        self.narrow = nn.Conv2d(deep_width, width, kernel_size=1)
        self.mix = _conv(width, width)
        self.head = nn.Conv2d(width, 4 * 4 * 4, kernel_size=3, padding=1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Fuse two (B, 1, H, W) images in 0..1 into (B, 1, H, W) near 0..1, not clipped; H, W multiples of 8."""
        both = torch.cat((visible, infrared), dim=1)
        share, gain_visible, gain_infrared, added = self._decide(both).chunk(4, dim=1)  # 1, H each
        coarse = functional.interpolate(
            functional.avg_pool2d(both, COARSE), scale_factor=COARSE, mode="bilinear", align_corners=False
        )
        coarse_visible, coarse_infrared = coarse.chunk(2, dim=1)
        detail = 2.0 * (
            torch.sigmoid(gain_visible) * (visible - coarse_visible)
            + torch.sigmoid(gain_infrared) * (infrared - coarse_infrared)
        )
        blend = coarse_visible + torch.sigmoid(share) * (coarse_infrared - coarse_visible)
        return blend + detail + ADDED * torch.tanh(added)

    def _decide(self, both: Tensor) -> Tensor:
        shallow = torch.relu(self.quarter(torch.relu(self.stem(both))))  # width, H/4
        deep = torch.relu(self.eighth_1(torch.relu(self.down(shallow))))  # deep_width, H/8
        deep = self.narrow(torch.relu(self.eighth_2(deep)))
        joined = torch.relu(shallow + functional.interpolate(deep, scale_factor=2, mode="nearest"))
        return functional.pixel_shuffle(self.head(torch.relu(self.mix(joined))), 4)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


NETWORK = Network("lite", LiteNet, OURS, training=Training())
