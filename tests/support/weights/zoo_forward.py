"""What the published networks compute, written a second time from their descriptions, on the tensors of their files.

Plain functions on state dicts, none of which knows the layers of the package: kernels of TensorFlow are applied tap by
tap, windows one by one, histograms counted. Pictures are (1, 1, H, W) in 0..255 and so are the answers, before rounding
and before any stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tests.support.weights.zoo_swin_forward import SwinForward

State = Mapping[str, Tensor]
Forward = Callable[[Sequence[State], Tensor, Tensor, str], Tensor]
"""From the state dicts of the files, infrared, visible and a rule, empty for the published one, to a picture."""


def conv(state: State, name: str, x: Tensor, pad: str = "constant", *, dilation: int = 1) -> Tensor:
    """A convolution that keeps the size and joins as many channels as its kernel says."""
    kernel = state[f"{name}.weight"]
    margin, groups = dilation * (kernel.shape[-1] // 2), x.shape[1] // kernel.shape[1]
    padded = functional.pad(x, (margin,) * 4, mode=pad) if margin else x
    return functional.conv2d(padded, kernel, state.get(f"{name}.bias"), dilation=dilation, groups=groups)


def taps(kernel: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """A convolution by a kernel (height, width, in, out) that pads nothing, one tap after the other."""
    rows, columns = x.shape[2] - kernel.shape[0] + 1, x.shape[3] - kernel.shape[1] + 1
    total = torch.zeros(1, rows, columns, kernel.shape[3]) + bias
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            total = total + x[:, :, i : i + rows, j : j + columns].permute(0, 2, 3, 1) @ kernel[i, j]
    return total.permute(0, 3, 1, 2)


def batch_norm(state: State, name: str, x: Tensor) -> Tensor:
    """By the stored statistics."""
    gain, offset, mean, variance = (
        state[f"{name}.{kind}"].view(1, -1, 1, 1) for kind in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * gain + offset


def leaky(x: Tensor, slope: float | Tensor = 0.2) -> Tensor:
    return torch.where(x >= 0, x, slope * x)


def both_ways(x: Tensor) -> Tensor:
    """0..255 to -1..1."""
    return (x - 127.5) / 127.5


def densefuse(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files

    def layer(name: str, x: Tensor) -> Tensor:
        return conv(state, f"{name}.conv2d", x, "reflect").relu()

    def features(x: Tensor) -> Tensor:
        x = layer("conv1", x)
        for at in range(3):
            x = torch.cat((x, layer(f"DB1.denseblock.{at}.dense_conv", x)), 1)
        return x

    x = (features(infrared) + features(visible)) / 2
    for name in ("conv2", "conv3", "conv4", "conv5"):
        x = layer(name, x)
    return x.clamp(0, 255)


def densefuse_original(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files

    def layer(name: str, x: Tensor) -> Tensor:
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return taps(state[f"{name}/kernel"], state[f"{name}/bias"], padded)

    def features(x: Tensor) -> Tensor:
        x = layer("encoder/conv1_1", x).relu()
        for n in (1, 2, 3):
            x = torch.cat((layer(f"encoder/dense_block_conv{n}", x).relu(), x), 1)
        return x

    x = (features(infrared) + features(visible)) / 2
    for n in (1, 2, 3):
        x = layer(f"decoder/conv2_{n}", x).relu()
    return layer("decoder/conv2_4", x).clamp(0, 255)


def didfuse(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    encoder, decoder = files

    def block(state: State, name: str, x: Tensor, activation: str) -> Tensor:
        edge = name in ("cov1", "cov7")
        start, at = f"{name}.{name}", int(edge)
        x = batch_norm(state, f"{start}.{at + 1}", conv(state, f"{start}.{at}", x, "reflect" if edge else "constant"))
        if activation == "prelu":
            return leaky(x, state[f"{start}.{at + 2}.weight"])
        return x.tanh() if activation == "tanh" else 1 / (1 + (-x).exp())

    def features(image: Tensor) -> tuple[Tensor, ...]:
        first = block(encoder, "cov1", image / 255, "prelu")
        second = block(encoder, "cov2", first, "prelu")
        return first, second, block(encoder, "cov3", second, "tanh"), block(encoder, "cov4", second, "tanh")

    def joined(one: Tensor, other: Tensor) -> Tensor:
        if rule == "l1":
            first, second = (
                functional.avg_pool2d(maps.abs(), 3, stride=1, padding=1).sum(1, keepdim=True) for maps in (one, other)
            )
            return (first * one + second * other) / (first + second)
        return (one + other) / 2 if rule == "average" else one + other

    pairs = zip(features(infrared), features(visible), strict=True)
    first, second, background, detail = (joined(one, other) for one, other in pairs)
    x = block(decoder, "cov5", torch.cat((background, detail), 1), "prelu")
    x = block(decoder, "cov6", torch.cat((x, second), 1), "prelu")
    return 255 * block(decoder, "cov7", torch.cat((x, first), 1), "sigmoid")


def tardal(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files
    x = torch.cat((infrared, visible), 1) / 255
    x = batch_norm(state, "encoder.1", conv(state, "encoder.0", x)).relu()
    for n in range(3):
        x = torch.cat((x, batch_norm(state, f"dense.{n}.1", conv(state, f"dense.{n}.0", x)).relu()), 1)
    x = conv(state, "fuse.0.0", x).relu()
    for n in (1, 2):
        x = batch_norm(state, f"fuse.{n}.1", conv(state, f"fuse.{n}.0", x)).relu()
    return 255 * conv(state, "fuse.3.0", x).tanh().clamp(0, 1)


def u2fusion_port(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files
    x = leaky(conv(state, "conv_1.0", both_ways(torch.cat((infrared, visible), 1))))
    for n in range(5):
        x = torch.cat((x, leaky(conv(state, f"dense_layers.{n}.conv.0", x))), 1)
    for n in range(3):
        x = leaky(conv(state, f"sub.{n}.0", x))
    return (conv(state, "sub.3", x).tanh() + 1) * 127.5


def u2fusion(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files

    def layer(name: str, x: Tensor) -> Tensor:
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return taps(state[f"{name}/kernel"], state[f"{name}/bias"], padded)

    x = leaky(layer("Generator/encoder/conv1_1", torch.cat((infrared, visible), 1) / 255))
    for n in range(1, 6):
        x = torch.cat((leaky(layer(f"Generator/encoder/dense_block_conv{n}", x)), x), 1)
    for n in (1, 2, 3):
        x = leaky(layer(f"Generator_1/decoder/conv2_{n}", x))
    return 255 * (layer("Generator_1/decoder/conv2_4", x).tanh() / 2 + 0.5)


def sdnet(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files

    def branch(side: str, image: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        for n in range(1, 5):
            start, margin = f"fusion_model/layer{n}_{side}", 2 if n == 1 else 1
            x = functional.pad(torch.cat(maps, 1) if maps else both_ways(image), (margin,) * 4)
            maps.append(leaky(taps(state[f"{start}/w{n}_{side}"], state[f"{start}/b{n}_{side}"], x)))
        return maps

    of_ir, of_vi = branch("ir", infrared), branch("vi", visible)
    x = torch.cat([maps[n] for n in range(4) for maps in (of_ir, of_vi)], 1)
    start = "fusion_model/layer5_fuse"
    return taps(state[f"{start}/w5_fuse"], state[f"{start}/b5_fuse"], x).tanh() * 127.5 + 127.5


def fusiongan(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files
    x = both_ways(functional.pad(torch.cat((infrared, visible), 1), (6,) * 4, mode="replicate"))
    for n in range(1, 5):
        x = taps(state[f"fusion_model/layer{n}/w{n}"], state[f"fusion_model/layer{n}/b{n}"], x)
        mean = x.mean((2, 3), keepdim=True)
        x = leaky((x - mean) / ((x - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt())
    return taps(state["fusion_model/layer5/w5"], state["fusion_model/layer5/b5"], x).tanh() * 127.5 + 127.5


def seafusion(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files

    def block(name: str, x: Tensor) -> Tensor:
        y = torch.cat((x, leaky(conv(state, f"{name}.dense.conv1.conv", x))), 1)
        y = torch.cat((y, leaky(conv(state, f"{name}.dense.conv2.conv", y))), 1)
        gradient = sum(conv(state, f"{name}.sobelconv.conv{way}", x).abs() for way in "xy")
        joined = conv(state, f"{name}.convdown.conv", y) + conv(state, f"{name}.convup.conv", torch.as_tensor(gradient))
        return leaky(joined, 0.1)

    def features(side: str, image: Tensor) -> Tensor:
        x = leaky(conv(state, f"{side}_conv.conv", image / 255))
        return block(f"{side}_rgbd2", block(f"{side}_rgbd1", x))

    x = torch.cat((features("vis", visible), features("inf", infrared)), 1)
    for n in (4, 3, 2):
        x = leaky(conv(state, f"decode{n}.conv", x))
    return 255 * (conv(state, "decode1.conv", x).tanh() / 2 + 0.5)


def ifcnn(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )

    def block(name: str, x: Tensor) -> Tensor:
        return batch_norm(state, f"{name}.bn", conv(state, f"{name}.conv", x, "replicate")).relu()

    def features(image: Tensor) -> Tensor:
        colours = (image.expand(1, 3, *image.shape[2:]) / 255 - mean) / deviation
        return block("conv2", conv(state, "conv1", colours, "replicate"))

    one, other = features(infrared), features(visible)
    joined = {"": torch.maximum(one, other), "sum": one + other, "average": (one + other) / 2}
    x = block("conv3", joined[rule])
    colours = 255 * (conv(state, "conv4", x) * deviation + mean).clamp(0, 1)
    return (colours * torch.tensor((0.114, 0.587, 0.299)).view(1, 3, 1, 1)).sum(1, keepdim=True)


def rfn_nest(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    coder, fusion = files

    def layer(state: State, name: str, x: Tensor) -> Tensor:
        return conv(state, f"{name}.conv2d", x, "reflect").relu()

    def block(name: str, *maps: Tensor) -> Tensor:
        x = layer(coder, f"{name}.denseblock.0", torch.cat(maps, 1))
        return layer(coder, f"{name}.denseblock.1", x)

    def encode(image: Tensor) -> list[Tensor]:
        maps = [block("DB1_0", layer(coder, "conv0", image))]
        for level in (2, 3, 4):
            maps.append(block(f"DB{level}_0", functional.max_pool2d(maps[-1], 2)))
        return maps

    def joined(level: int, ir: Tensor, vi: Tensor) -> Tensor:
        start = f"fusion_block{level}"
        x = torch.cat((layer(fusion, f"{start}.conv_ir", ir), layer(fusion, f"{start}.conv_vi", vi)), 1)
        for n in range(3):
            x = layer(fusion, f"{start}.bottelblock.{n}", x)
        return layer(fusion, f"{start}.conv_fusion", torch.cat((ir, vi), 1)) + x

    def up(x: Tensor, like: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        rows, columns = like.shape[2] - x.shape[2], like.shape[3] - x.shape[3]
        return functional.pad(x, (0, columns, 0, rows), mode="reflect")

    f1, f2, f3, f4 = (
        joined(level, *maps) for level, maps in enumerate(zip(encode(infrared), encode(visible), strict=True), start=1)
    )
    x11 = block("DB1_1", f1, up(f2, f1))
    x21 = block("DB2_1", f2, up(f3, f2))
    x12 = block("DB1_2", f1, x11, up(x21, f1))
    x31 = block("DB3_1", f3, up(f4, f3))
    x22 = block("DB2_2", f2, x21, up(x31, f2))
    return layer(coder, "conv_out", block("DB1_3", f1, x11, x12, up(x22, f1)))


SMOA_CELLS = {
    "encoder1": "sep@0 spatial@1 sep@0 sep@2 sep@0 sep@3 dense@4 dense@3",
    "encoder2": "spatial@1 dil@0 dil@0 sep@2 sep@0 spatial@2 sep@0 sep@1",
    "decoder": "sep@0 dense@1 sep@2 sep@0 sep@2 sep@0 dense@4 sep@0",
}


def smoa(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    encoder1, encoder2, decoder = files

    def operation(state: State, name: str, kind: str, x: Tensor) -> Tensor:
        if kind in ("sep", "dil"):
            for first in (1, 4) if kind == "sep" else (1,):
                dilation = 2 if kind == "dil" else 1
                x = conv(state, f"{name}.op.{first}", x.relu(), "reflect", dilation=dilation)
                x = conv(state, f"{name}.op.{first + 1}", x)
            return x
        if kind == "dense":
            slope, maps = state[f"{name}.lrelu.weight"], [x]
            for n in (1, 2, 3):
                maps.append(leaky(conv(state, f"{name}.conv{n}.conv", torch.cat(maps, 1), "reflect"), slope))
            return 0.333333 * maps[3] + x
        slope = state[f"{name}.relu.weight"]
        y = conv(state, f"{name}.conv1", x, "reflect")
        z = conv(state, f"{name}.conv2.conv", leaky(y, slope), "reflect")
        m = torch.cat((z.max(1, keepdim=True)[0], z.mean(1, keepdim=True)), 1)
        return leaky(z * torch.sigmoid(conv(state, f"{name}.se.spatial.conv", m, "reflect")) + y, slope)

    def cell(state: State, words: str, at: int, s0: Tensor, s1: Tensor) -> Tensor:
        start = f"cells.{at}"
        states = [conv(state, f"{start}.preprocess{n}.op.1", x.relu()) for n, x in enumerate((s0, s1))]
        for n, pair in enumerate(zip(words.split()[::2], words.split()[1::2], strict=True)):
            one, other = (
                operation(state, f"{start}._ops.{2 * n + m}", word.split("@")[0], states[int(word.split("@")[1])])
                for m, word in enumerate(pair)
            )
            states.append(one + other)
        return torch.cat(states[2:], 1)

    def encode(state: State, words: str, image: Tensor) -> tuple[Tensor, Tensor]:
        stem = conv(state, "stem.1", image, "reflect")
        a = cell(state, words, 0, stem, stem)
        return a, cell(state, words, 1, stem, a)

    a_ir, b_ir = encode(encoder1, SMOA_CELLS["encoder1"], infrared)
    a_vi, b_vi = encode(encoder2, SMOA_CELLS["encoder2"], visible)
    a, b = by_saliency(a_ir, a_vi), by_saliency(b_ir, b_vi)
    c = cell(decoder, SMOA_CELLS["decoder"], 0, a, b)
    return conv(decoder, "ConvLayer", cell(decoder, SMOA_CELLS["decoder"], 1, b, c), "reflect").clamp(0, 255)


def by_saliency(ir: Tensor, vi: Tensor) -> Tensor:
    def weights(x: Tensor) -> Tensor:
        level = (x / x.max() * 255).trunc().long()
        counted = (level >= 0) & (level <= 255)
        count = torch.bincount(level[counted], minlength=256)
        place = torch.arange(256)
        table = ((place[:, None] - place[None, :]).abs() * count).sum(1)
        return torch.where(counted, (table / table.max())[level.clamp(0, 255)], torch.zeros(()))

    lead = 0.5 * (weights(ir) - weights(vi))
    return (0.5 + lead) * ir + (0.5 - lead) * vi


def swinfusion(files: Sequence[State], infrared: Tensor, visible: Tensor, rule: str) -> Tensor:
    (state,) = files
    return 255 * SwinForward(state).fuse(infrared / 255, visible / 255).clamp(0, 1)


FORWARD: Mapping[str, Forward] = {
    "densefuse": densefuse,
    "densefuse-tensorflow": densefuse_original,
    "didfuse": didfuse,
    "tardal": tardal,
    "u2fusion": u2fusion,
    "u2fusion-pytorch": u2fusion_port,
    "smoa": smoa,
    "sdnet": sdnet,
    "fusiongan": fusiongan,
    "rfn-nest": rfn_nest,
    "swinfusion": swinfusion,
    "seafusion": seafusion,
    "ifcnn": ifcnn,
}
