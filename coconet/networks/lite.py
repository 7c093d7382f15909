"""LiteNet: a small fusion network at quarter resolution that two processor cores run live."""

from __future__ import annotations

from collections.abc import Mapping

from coconet.cards.model_card import Signature
from coconet.cards.tiling import HALVED_FROM_PX, OF_LITE
from coconet.errors import MissingPackage
from coconet.networks.bounds import (
    GAIN,
    LEAK,
    brighter,
    brightness_of,
    darker,
    deviation_of,
    faded,
    lean_of,
    levels_of,
    rises_of,
    short_of_the_ends,
    stretch_room,
)
from coconet.networks.network import Network
from coconet.networks.scene import COARSE, Scene

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


OURS = Signature(input_range=(0.0, 1.0), output_range=(0.0, 1.0), side_multiple=16, tiling=OF_LITE)

PLANE = 4 * 4
"""Channels at a quarter of the size that make one plane at full size."""

NO_CONTRAST = -6.0
"""A decision by which a coarse band keeps its contrast but for a four-hundredth."""


class LiteNet(nn.Module):
    """About 0.18 M parameters and 1.8 GMAC at 640x480.

    It does not paint the fused picture. Each source is split into a coarse band, its mean over 8x8 pixels, and the
    detail above that. At a quarter and an eighth of the size the network decides, for every pixel, how to share the
    coarse band and how much detail of each source to keep, and, for every 8x8 pixels, by how much to stretch the
    contrast of the coarse band: how much of each source's, about the mean level of its scene, and how much besides.
    That is applied at full resolution. So texture cannot be blurred by the small size, and rounding to INT8 disturbs
    the decision and not the picture. The darker the scene, the nearer both coarse bands come to the brighter one before
    they are shared. There is no normalisation layer: the same picture always gives the same answer.

    Whatever the weights, the coarse band lies between those of the sources, widened by `stretch_room`, which is next
    to nothing in the dark and in flat scenes; and no pixel is clipped that neither source has clipped.

    A picture of HALVED_FROM_PX or more is looked at, and its coarse bands are taken, in half its size, as a smaller one
    is; what is decided is enlarged, and the detail is that of the full size.

    scene, halved: of the picture that a part lies in, when parts are fused: its scene, and whether it is looked at in
    half its size; None takes those of what is fused.
    """

    scene: Scene | None = None
    halved: bool | None = None

    def __init__(self, width: int = 48, deep_width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, kernel_size=8, stride=4, padding=2)
        self.quarter = _conv(width, width)
        self.down = nn.Conv2d(width, deep_width, kernel_size=3, stride=2, padding=1)
        self.eighth_1 = _conv(deep_width, deep_width)
        self.eighth_2 = _conv(deep_width, deep_width)
        self.narrow = nn.Conv2d(deep_width, width, kernel_size=1)
        self.mix = _conv(width, width)
        self.stretch = nn.Conv2d(width, 3, kernel_size=4, stride=2, padding=1)
        self.head = nn.Conv2d(width, 3 * PLANE, kernel_size=3, padding=1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Fuse two (B, 1, H, W) images in 0..1 into (B, 1, H, W) in 0..1; H, W multiples of 16."""
        size = visible.shape[-2], visible.shape[-1]
        seen = self._seen(torch.cat((visible, infrared), dim=1))
        decide = self._decided_in_full if self.training else self._decided
        shares, stretch = decide(self._features(seen))
        coarse = functional.avg_pool2d(seen, COARSE)  # 2, H/8; of a large picture H/16, and so on
        brightness, deviation, levels = self._scene_of(coarse)
        room, lean = stretch_room(brightness, deviation), lean_of(brightness)
        contrast = torch.sigmoid(stretch[:, 1:]) * (coarse - levels)  # 2, H/8
        stretch = torch.tanh(stretch[:, :1]) + contrast.mean(dim=1, keepdim=True)  # 1, H/8
        stretch = faded(stretch, coarse, darker(coarse), brighter(coarse))
        stretch = torch.maximum(torch.minimum(stretch, room), -room)
        bands = _resized(torch.cat((coarse, coarse + lean * rises_of(coarse) + stretch), dim=1), size)
        coarse_visible, coarse_infrared, level_visible, level_infrared = bands.chunk(4, dim=1)  # 1, H each
        share, gain_visible, gain_infrared = _resized(torch.sigmoid(shares), size).chunk(3, dim=1)  # 1, H each
        level = level_visible + share * (level_infrared - level_visible)
        detail = gain_visible * (visible - coarse_visible) + gain_infrared * (infrared - coarse_infrared)
        fused = level + GAIN * detail
        kept = short_of_the_ends(fused, visible, infrared)
        # In training a tenth of what is beyond the ends stays: seen as nearly lost, and yet able to learn to be less.
        return torch.lerp(kept, fused, LEAK) if self.training else kept

    def _seen(self, both: Tensor) -> Tensor:
        """What is decided by: both sources, or of a large picture the means over 2x2 pixels."""
        height, width = both.shape[-2:]
        # Computed and not branched on: in a graph of any size the sides are symbols.
        large = torch.sym_min(1, height * width // HALVED_FROM_PX) if self.halved is None else int(self.halved)
        square = COARSE * (1 + large)  # whose sides divide those of the picture
        return _resized(both, (COARSE * (height // square), COARSE * (width // square)))

    def _scene_of(self, coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Brightness and deviation, (B, 1, 1, 1), and levels, (B, 2, 1, 1): of `coarse`, or those that are held."""
        if self.scene is None:
            return brightness_of(coarse), deviation_of(coarse), levels_of(coarse)
        brightness, deviation = (torch.full_like(coarse[:, :1, :1, :1], one) for one in self.scene[:2])
        levels = coarse.new_tensor(self.scene.levels).reshape(1, 2, 1, 1).expand(len(coarse), -1, -1, -1)
        return brightness, deviation, levels

    def _decided(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What the last two layers say: shares and gains, 3 x H x W, and of the stretch, 3 x H/8 x W/8, all."""
        return functional.pixel_shuffle(self.head(features), 4), self.stretch(features)

    def _decided_in_full(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The same in single precision where convolutions run in bfloat16, whose steps would be seen as flicker."""
        with torch.autocast(features.device.type, enabled=False):
            return self._decided(features.float())

    def _features(self, both: Tensor) -> Tensor:
        shallow = torch.relu(self.quarter(torch.relu(self.stem(both))))  # width, H/4
        deep = torch.relu(self.eighth_1(torch.relu(self.down(shallow))))  # deep_width, H/8
        deep = self.narrow(torch.relu(self.eighth_2(deep)))
        joined = torch.relu(shallow + functional.interpolate(deep, scale_factor=2, mode="nearest"))
        return torch.relu(self.mix(joined))


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) to (B, C, *size), bilinear: to a whole multiple, the same size, or half, as means over 2x2."""
    if all(isinstance(side, int) and side == wanted for side, wanted in zip(image.shape[-2:], size, strict=True)):
        return image
    return functional.interpolate(image, size=size, mode="bilinear", align_corners=False)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


def upgrade(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights of earlier releases as those of a LiteNet of today."""
    return _with_contrast(_with_stretch(tensors))


def _with_stretch(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Of a head of four planes, the last of them an addition of at most 0.5 to every pixel: three, and a stretch.

    Of that plane the mean over 8x8 pixels remains: the day looks the same, the night is kept.
    """
    weight, bias = tensors.get("head.weight"), tensors.get("head.bias")
    if weight is None or bias is None or len(weight) != 4 * PLANE:
        return tensors
    added, level = weight[3 * PLANE :].mean(dim=0, keepdim=True), bias[3 * PLANE :].mean(dim=0, keepdim=True)
    # The mean of four places of a 3x3 kernel is a kernel of 4x4.
    places = [functional.pad(added, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
    stretch = torch.stack(places).mean(dim=0)
    kept = {**tensors, "head.weight": weight[: 3 * PLANE], "head.bias": bias[: 3 * PLANE]}
    return {**kept, "stretch.weight": 0.5 * stretch, "stretch.bias": 0.5 * level}


def _with_contrast(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Of a stretch that says nothing of the contrast of both sources: one that leaves it as good as alone."""
    weight, bias = tensors.get("stretch.weight"), tensors.get("stretch.bias")
    if weight is None or bias is None or len(weight) != 1:
        return tensors
    none = torch.full((2,), NO_CONTRAST, dtype=bias.dtype)
    weights = torch.cat((weight, weight.new_zeros(2, *weight.shape[1:])))
    return {**tensors, "stretch.weight": weights, "stretch.bias": torch.cat((bias, none))}


NETWORK = Network("lite", LiteNet, OURS, upgrade=upgrade)
