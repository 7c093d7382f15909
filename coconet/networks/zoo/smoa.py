"""SMoA (Liu et al., IEEE SPL 2021): searched encoders, one for each image, joined by how rare a feature's level is."""

from __future__ import annotations

from collections.abc import Sequence

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, cut_off, named
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH, LEVELS, COARSE = 16, 256, 16

CHANNELS_AT_ONCE = 16
"""Of how many channels the levels are counted at once: memory against the length of the graph."""

Step = tuple[tuple[str, int], tuple[str, int]]
"""Two operations and the earlier state that each works on; their sum is the next state."""

ENCODER_1: tuple[Step, ...] = (
    (("sep3", 0), ("spatial", 1)),
    (("sep3", 0), ("sep3", 2)),
    (("sep5", 0), ("sep5", 3)),
    (("dense", 4), ("dense", 3)),
)
ENCODER_2: tuple[Step, ...] = (
    (("spatial", 1), ("dil3", 0)),
    (("dil3", 0), ("sep3", 2)),
    (("sep3", 0), ("spatial", 2)),
    (("sep3", 0), ("sep3", 1)),
)
DECODER: tuple[Step, ...] = (
    (("sep3", 0), ("dense", 1)),
    (("sep3", 2), ("sep3", 0)),
    (("sep5", 2), ("sep3", 0)),
    (("dense", 4), ("sep3", 0)),
)


def _conv(inputs: int, outputs: int, kernel: int = 3, *, dilation: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        inputs,
        outputs,
        kernel,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        groups=groups,
        bias=False,
        padding_mode="reflect" if kernel > 1 else "zeros",
    )


def _separable(kernel: int, *, dilation: int = 1, times: int = 2) -> nn.Sequential:
    """ReLU, every channel by itself, then all together, repeated."""
    layers: list[nn.Module] = []
    for _ in range(times):
        layers += [nn.ReLU(), _conv(WIDTH, WIDTH, kernel, dilation=dilation, groups=WIDTH), _conv(WIDTH, WIDTH, 1)]
    return named(op=nn.Sequential(*layers))


class Dense(nn.Module):
    """Three convolutions, each on all before it, and a third of the last added; one slope for all."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (named(conv=_conv(WIDTH * step, WIDTH)) for step in (1, 2, 3))
        self.lrelu = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 16, H, W) to the same shape."""
        first = self.lrelu(self.conv1(x))
        second = self.lrelu(self.conv2(torch.cat((x, first), dim=1)))
        third: Tensor = self.lrelu(self.conv3(torch.cat((x, first, second), dim=1)))
        return 0.333333 * third + x


class Spatial(nn.Module):
    """Two convolutions, the second weighted pixel by pixel; what the first gave is added before its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(WIDTH, WIDTH)
        self.conv2 = named(conv=_conv(WIDTH, WIDTH))
        self.se = named(spatial=named(conv=_conv(2, 1)))
        self.relu = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 16, H, W) to the same shape."""
        y = self.conv1(x)
        z = self.conv2(self.relu(y))
        described = torch.cat((z.amax(dim=1, keepdim=True), z.mean(dim=1, keepdim=True)), dim=1)
        answer: Tensor = self.relu(z * torch.sigmoid(self.se(described)) + y)
        return answer


def _operation(kind: str) -> nn.Module:
    if kind == "dense":
        return Dense()
    if kind == "spatial":
        return Spatial()
    if kind == "dil3":
        return _separable(3, dilation=2, times=1)
    return _separable(5 if kind == "sep5" else 3)


class Cell(nn.Module):
    """Two maps to 64 channels by four steps."""

    def __init__(self, steps: Sequence[Step], first: int, second: int) -> None:
        super().__init__()
        self.preprocess0 = named(op=nn.Sequential(nn.ReLU(), _conv(first, WIDTH, 1)))
        self.preprocess1 = named(op=nn.Sequential(nn.ReLU(), _conv(second, WIDTH, 1)))
        self._ops = nn.ModuleList(_operation(kind) for step in steps for kind, _ in step)
        self._sources = [source for step in steps for _, source in step]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """(B, first, H, W) and (B, second, H, W) to (B, 64, H, W)."""
        states = [self.preprocess0(first), self.preprocess1(second)]
        for left in range(0, len(self._sources), 2):
            one, other = (self._ops[at](states[self._sources[at]]) for at in (left, left + 1))
            states.append(one + other)
        return torch.cat(states[2:], dim=1)


class Encoder(nn.Module):
    """One image to two maps of 64 channels."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Identity(), _conv(1, 8))
        self.cells = nn.ModuleList([Cell(steps, 8, 8), Cell(steps, 8, 64)])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, H, W) to two (B, 64, H, W)."""
        x = self.stem(image)
        first = self.cells[0](x, x)
        return first, self.cells[1](x, first)


class Decoder(nn.Module):
    """Two fused maps to one image."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList([Cell(DECODER, 64, 64), Cell(DECODER, 64, 64)])
        self.ConvLayer = nn.Conv2d(64, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Two (B, 64, H, W) to (B, 1, H, W)."""
        answer: Tensor = self.ConvLayer(self.cells[1](second, self.cells[0](first, second)))
        return answer


class SMoA(nn.Module):
    """The network. Its three parts are named as in their published files (69, 61 and 70 tensors)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder1 = Encoder(ENCODER_1)
        self.encoder2 = Encoder(ENCODER_2)
        self.decoder = Decoder()

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..255, sides of 5 or more, to one in 0..255."""
        maps = zip(self.encoder1(infrared), self.encoder2(visible), strict=True)
        fused: Tensor = self.decoder(*(_join(*pair) for pair in maps))
        return cut_off(self, fused, 0.0, 255.0)


def _join(infrared: Tensor, visible: Tensor) -> Tensor:
    """Weigh two maps by the saliency of their levels; half each where it is equal."""
    lead = 0.5 * (_saliency(infrared) - _saliency(visible)).to(infrared.dtype)
    return (0.5 + lead) * infrared + (0.5 - lead) * visible


def _saliency(x: Tensor) -> Tensor:
    """(B, C, H, W) to 0..1, single precision: how far the level of a feature is from all the others, on average.

    A level is the integer part, towards zero, of 0..255 when the largest feature is 255; below 0 it does not count, and
    its saliency is 0. Counts and sums outgrow half precision.
    """
    single = x.float()
    largest = single.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    level = single / largest * (LEVELS - 1)
    counted = level > -1.0
    level = level.clamp(0.0, LEVELS - 1.0).floor()
    counts = _counts(torch.where(counted, level, -1.0), x.dtype)  # B, 256
    apart = torch.arange(LEVELS, device=x.device, dtype=torch.float32)
    distances = (apart[:, None] - apart[None, :]).abs()
    sums = (counts[:, None, :] * distances).sum(dim=2)
    table = sums / sums.amax(dim=1, keepdim=True).clamp_min(1e-12)
    start = LEVELS * torch.arange(len(x), device=x.device, dtype=torch.int32).view(-1, 1, 1, 1)
    found = table.reshape(-1).index_select(0, (level.to(torch.int32) + start).reshape(-1)).reshape(x.shape)
    return torch.where(counted, found, 0.0)


def _counts(level: Tensor, exact: torch.dtype) -> Tensor:
    """(B, C, H, W) whole numbers, -1 for none, to (B, 256): how often each of 0..255 is there.

    No scatter, which TensorRT has not: a level is 16 a + b, and rows of pixels that have a times rows that have b are
    a matrix product. Its sums are no larger than the picture is wide, which half precision holds up to 2048 pixels.
    """
    digits = torch.arange(COARSE, device=level.device, dtype=level.dtype).view(COARSE, 1)
    coarse = (level / COARSE).floor()
    fine = level - COARSE * coarse
    total = torch.zeros(len(level), COARSE, COARSE, device=level.device)
    for first in range(0, level.shape[1], CHANNELS_AT_ONCE):
        some = slice(first, first + CHANNELS_AT_ONCE)
        upper, lower = (
            (digit[:, some].unsqueeze(3) == digits).to(exact) for digit in (coarse, fine)
        )  # B, 16, H, 16, W
        total = total + (upper @ lower.transpose(3, 4)).float().sum(dim=(1, 2))
    return total.flatten(1)


PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(0.0, 255.0))

COLOUR = "luma is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "smoa",
    SMoA,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "reflection", COLOUR, fusion_rule="saliency of the histogram"),
    parts=("encoder1", "encoder2", "decoder"),
)
