"""CoCoNet: a U-Net on both images, helped at three scales by channel attention over VGG-19 features of each."""

from __future__ import annotations

from pathlib import Path

from coconet.cards.model_card import Signature
from coconet.errors import MissingPackage
from coconet.networks.bounds import LEAK, bounded
from coconet.networks.layers.vgg import GrayVgg19, find_imagenet_file, imagenet_encoder, load_imagenet
from coconet.networks.network import Network, Training

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


SLOPE = 0.2
"""Negative slope of every LeakyReLU."""

OURS = Signature(input_range=(-1.0, 1.0), output_range=(-1.0, 1.0), side_multiple=16, normalization="running")
"""Weights trained here: the range of training, stored statistics; the same picture always gives the same answer."""

PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(-1.0, 1.0), side_multiple=16, normalization="image")
"""The authors' checkpoint: gray levels as they are, every normalisation by the statistics of the picture at hand."""


class ChannelAttention(nn.Module):
    """Attention between channels, with a scalar gate `gamma` that starts at 0 (CAM of the CoCoNet paper).

    The energy of two channels is the plain sum of their products over the frame; the softmax prefers the channel
    that resembles least. The residual is the value convolution's output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.conv_1 = _conv(channels, channels)
        self.conv_2 = _conv(channels, channels)
        self.conv_3 = _conv(channels, channels)
        self.gated_off = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape. With `gated_off` the value path alone, which is exact where gamma is 0."""
        value: Tensor = self.conv_3(x)
        if self.gated_off:
            return value
        query, key = self.conv_1(x).flatten(2), self.conv_2(x).flatten(2)  # (B, C, H*W)
        # The sum over a frame outgrows half precision, so energies and their softmax are always single precision.
        energy = query.float() @ key.float().transpose(1, 2)  # (B, C, C)
        attention = torch.softmax(energy.amax(dim=-1, keepdim=True) - energy, dim=-1)
        mixed = (attention.to(value.dtype) @ value.flatten(2)).reshape(value.shape)
        attended: Tensor = self.gamma.to(value.dtype) * mixed + value
        return attended


class Normalization(nn.BatchNorm2d):
    """BatchNorm that, on request, uses the statistics of each image alone instead of the stored ones.

    With `per_image` it equals the training mode of BatchNorm at batch size 1, for any batch size.
    """

    per_image = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        if self.per_image:
            # Sums of squares over a frame outgrow half precision, as the energies of the attention do.
            normalized = functional.instance_norm(
                x.float(), weight=self.weight.float(), bias=self.bias.float(), eps=self.eps
            )
            return normalized.to(x.dtype)
        return super().forward(x)


class CoCoNet(nn.Module):
    """The fusion network. Parameters are named as in the published checkpoint (153 tensors with the buffers).

    `se_32` and `att_deconv9` have weights there but no place in the forward pass; they are kept for the names.
    """

    def __init__(self) -> None:
        super().__init__()
        self.se_32, self.se_64, self.se_128, self.se_256 = (ChannelAttention(width) for width in (32, 64, 128, 256))
        self.vgg19 = GrayVgg19()
        self.conv1_1, self.bn1_1 = _conv(2, 32), Normalization(32)
        self.conv1_2, self.bn1_2 = _conv(32, 32), Normalization(32)
        self.conv2_1, self.bn2_1 = _conv(32, 64), Normalization(64)
        self.conv2_2, self.bn2_2 = _conv(64, 64), Normalization(64)
        self.conv3_1, self.bn3_1 = _conv(64, 128), Normalization(128)
        self.conv3_2, self.bn3_2 = _conv(128, 128), Normalization(128)
        self.conv4_1, self.bn4_1 = _conv(128, 256), Normalization(256)
        self.deconv4 = _conv(768, 256)
        self.conv4_2, self.bn4_2 = _conv(256, 256), Normalization(256)
        self.deconv6, self.att_deconv7 = _conv(256, 128), _conv(384, 128)
        self.conv7_1, self.bn7_1 = _conv(256, 128), Normalization(128)
        self.conv7_2, self.bn7_2 = _conv(128, 128), Normalization(128)
        self.deconv7, self.att_deconv8 = _conv(128, 64), _conv(192, 64)
        self.conv8_1, self.bn8_1 = _conv(128, 64), Normalization(64)
        self.conv8_2, self.bn8_2 = _conv(64, 64), Normalization(64)
        self.deconv8, self.att_deconv9 = _conv(64, 32), _conv(96, 32)
        self.conv9_1, self.bn9_1 = _conv(64, 32), Normalization(32)
        self.conv9_2 = _conv(32, 32)
        self.conv10 = nn.Conv2d(32, 1, kernel_size=1)
        self.bounded = False

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Fuse two (B, 1, H, W) images of one value range into (B, 1, H, W) in (-1, 1); H and W multiples of 8."""
        c1 = self._block("1_2", self._block("1_1", torch.cat((visible, infrared), dim=1)))  # 32, H
        c2 = self._block("2_2", self._block("2_1", _down(c1)))  # 64, H/2
        c3 = self._block("3_2", self._block("3_1", _down(c2)))  # 128, H/4
        c4 = self._block("4_1", _down(c3))  # 256, H/8
        half, quarter, eighth = self._encode(visible, infrared)
        f4 = self._block("4_2", self.deconv4(_attend(self.se_256, c4, *eighth)))
        a7 = self.att_deconv7(_attend(self.se_128, c3, *quarter))
        d7 = self._block("7_2", self._block("7_1", torch.cat((self.deconv6(_up(f4)), a7), dim=1)))
        a8 = self.att_deconv8(_attend(self.se_64, c2, *half))
        d8 = self._block("8_2", self._block("8_1", torch.cat((self.deconv7(_up(d7)), a8), dim=1)))
        d9 = self._block("9_1", torch.cat((self.deconv8(_up(d8)), c1), dim=1))
        picture = torch.tanh(self.conv10(functional.leaky_relu(self.conv9_2(d9), SLOPE)))
        fused = picture.to(visible.dtype)  # training's bfloat16 has steps too coarse for what follows
        if not self.bounded:
            return fused
        kept = 2.0 * bounded(*(0.5 * image + 0.5 for image in (fused, visible, infrared))) - 1.0
        return torch.lerp(kept, fused, LEAK) if self.training else kept

    def use_image_statistics(self) -> None:
        """Normalise by the statistics of each image, as the published results do."""
        for layer in self.modules():
            if isinstance(layer, Normalization):
                layer.per_image = True

    def skip_closed_attention(self) -> None:
        """Leave out the attention wherever its gate is exactly 0: the same answer for 28 % fewer operations."""
        for layer in self.modules():
            if isinstance(layer, ChannelAttention):
                layer.gated_off = layer.gamma.item() == 0.0

    def keep_within_bounds(self) -> None:
        """Hold the picture within coconet.networks.bounds of its sources, which are in -1..1 then."""
        self.bounded = True

    def _block(self, place: str, x: Tensor) -> Tensor:
        # Activation before normalisation, as published: the normalisation cannot be folded into the convolution.
        conv, norm = getattr(self, f"conv{place}"), getattr(self, f"bn{place}")
        normalized: Tensor = norm(functional.leaky_relu(conv(x), SLOPE))
        return normalized

    def _encode(self, visible: Tensor, infrared: Tensor) -> list[tuple[Tensor, Tensor]]:
        # Both images in one batch; each scale comes back as (infrared, visible), the order of the concatenations.
        both = self.vgg19(torch.cat((infrared, visible)))
        return [(features[: len(infrared)], features[len(infrared) :]) for features in both]


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


def _attend(attention: ChannelAttention, unet: Tensor, infrared: Tensor, visible: Tensor) -> Tensor:
    return torch.cat((attention(unet), attention(infrared), attention(visible)), dim=1)


def _down(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2)


def _up(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _make_ready(core: CoCoNet, signature: Signature) -> None:
    core.skip_closed_attention()
    if signature.normalization == "image":
        core.use_image_statistics()
    else:
        core.keep_within_bounds()


def prepare_encoder(core: CoCoNet, imagenet: Path | None) -> str:
    """Give a fresh core its ImageNet encoder, frozen, and close its attention gates; say in words what was done.

    The weights come from the file `imagenet` or from torchvision's cache. Without them the encoder learns with the
    rest, which is a substitute and said so.
    """
    _hold_gates(core)
    file = imagenet or find_imagenet_file()
    if file is None:
        for layer in core.vgg19.modules():
            if isinstance(layer, nn.Conv2d):  # eight layers in a row: the usual start would fade out
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        return "no ImageNet weights for the encoder: it starts at random and is trained with the network"
    load_imagenet(core.vgg19, imagenet_encoder, file)
    return f"encoder from {file.name}, frozen"


def _hold_encoder(core: CoCoNet) -> None:
    _hold_gates(core)
    core.vgg19.requires_grad_(False)


def _hold_gates(core: CoCoNet) -> None:
    # Attention energies are sums over the frame, so what is learnt on crops would act differently on whole frames.
    # Gates start at 0, and a closed gate saves 28 % of the operations.
    for name, parameter in core.named_parameters():
        if name.endswith(("gamma", "conv_1.weight", "conv_1.bias", "conv_2.weight", "conv_2.bias")):
            parameter.requires_grad_(False)
    core.skip_closed_attention()


def _see_as_deployed(core: CoCoNet) -> None:
    core.keep_within_bounds()
    for layer in core.modules():
        if isinstance(layer, Normalization):
            layer.eval()


NETWORK = Network(
    "coconet",
    CoCoNet,
    OURS,
    published=PUBLISHED,
    ready=_make_ready,
    training=Training(prepare_encoder, _hold_encoder, _see_as_deployed),
)
