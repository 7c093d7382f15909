"""LiteNet: a small fusion network at a quarter and an eighth of the size that two processor cores run live."""

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

DECISIONS = 6
"""What is decided for every 8x8 pixels: the stretch, the share, two gains, and two contrasts."""

PLANE = 4 * 4
"""Channels at a quarter of the size that made one plane at full size in earlier releases."""

PLANES = (0, PLANE, 2 * PLANE)
"""The first channels of the planes for the share and both gains there."""

NO_CONTRAST = -6.0
"""A decision by which a coarse band keeps its contrast but for a four-hundredth."""


class LiteNet(nn.Module):
    """About 0.16 M parameters and 1.4 GMAC at 640x480.

    It does not paint the fused picture. Each source is split into a coarse band, its mean over 8x8 pixels, and the
    detail above that. For every 8x8 pixels the network decides how to share the coarse band, how much detail of each
    source to keep, and by how much to stretch the contrast of the coarse band: how much of each source's, about the
    mean level of its scene, and how much besides. What it decides is enlarged smoothly and applied at full resolution.
    So texture cannot be blurred by the small size, and rounding to INT8 disturbs the decision and not the picture. The
    darker the scene, the nearer both coarse bands come to the brighter one before they are shared. There is no
    normalisation layer: the same picture always gives the same answer.

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
        self.head = nn.Conv2d(width, DECISIONS, kernel_size=4, stride=2, padding=1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Fuse two (B, 1, H, W) images in 0..1 into (B, 1, H, W) in 0..1; H, W multiples of 16."""
        size = visible.shape[-2], visible.shape[-1]
        seen = self._seen(torch.cat((visible, infrared), dim=1))
        decide = self._decided_in_full if self.training else self.head
        decided = decide(self._features(seen))  # DECISIONS, H/8; of a large picture H/16, and so on
        share, gains, contrast = torch.sigmoid(decided[:, 1:]).split((1, 2, 2), dim=1)
        coarse = functional.avg_pool2d(seen, COARSE)  # 2, H/8
        brightness, deviation, levels = self._scene_of(coarse)
        room, lean = stretch_room(brightness, deviation), lean_of(brightness)
        stretch = torch.tanh(decided[:, :1]) + (contrast * (coarse - levels)).mean(dim=1, keepdim=True)  # 1, H/8
        stretch = faded(stretch, coarse, darker(coarse), brighter(coarse))
        stretch = torch.maximum(torch.minimum(stretch, room), -room)
        visible_level, infrared_level = (coarse + lean * rises_of(coarse)).chunk(2, dim=1)
        level = visible_level + share * (infrared_level - visible_level) + stretch
        # The level and the detail above the coarse bands: as one sum, of which three planes are enlarged.
        gains = GAIN * gains
        base = level - (gains * coarse).sum(dim=1, keepdim=True)
        base, visible_gain, infrared_gain = _resized(torch.cat((base, gains), dim=1), size).chunk(3, dim=1)  # 1, H each
        fused = base + visible_gain * visible + infrared_gain * infrared
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

    def _decided_in_full(self, features: Tensor) -> Tensor:
        """What the head says, in single precision where convolutions run in bfloat16, whose steps would be seen."""
        with torch.autocast(features.device.type, enabled=False):
            decided: Tensor = self.head(features.float())
        return decided

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
    """Weights of earlier releases as those of a LiteNet of today.

    Their head decided for every pixel, PLANE channels for the share and for either gain: of these the mean over 8x8
    pixels remains. The first had one such plane more, for an addition of at most 0.5 to every pixel, which is the
    stretch; the next had a convolution of one channel for it, and then of three, for contrast too.
    """
    weight, bias = tensors.get("head.weight"), tensors.get("head.bias")
    if weight is None or bias is None or len(weight) not in (3 * PLANE, 4 * PLANE):
        return tensors
    heads = [_mean_of_plane(weight[first : first + PLANE], bias[first : first + PLANE]) for first in PLANES]
    if len(weight) == 4 * PLANE:
        stretch = tuple(0.5 * mean for mean in _mean_of_plane(weight[3 * PLANE :], bias[3 * PLANE :]))
    else:
        stretch = tensors["stretch.weight"], tensors["stretch.bias"]
    contrast = stretch[0][1:], stretch[1][1:]
    if len(contrast[1]) == 0:
        contrast = weight.new_zeros(2, *stretch[0].shape[1:]), bias.new_full((2,), NO_CONTRAST)
    weights, biases = zip((stretch[0][:1], stretch[1][:1]), *heads, contrast, strict=True)
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(("head.", "stretch."))}
    return {**kept, "head.weight": torch.cat(weights), "head.bias": torch.cat(biases)}


def _mean_of_plane(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A plane of a head for every pixel, kernels of 3x3 at a quarter of the size, as one of 4x4 at an eighth."""
    mean = weight.mean(dim=0, keepdim=True)
    places = [functional.pad(mean, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
    return torch.stack(places).mean(dim=0), bias.mean(dim=0, keepdim=True)


NETWORK = Network("lite", LiteNet, OURS, upgrade=upgrade)
