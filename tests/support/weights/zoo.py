"""The published networks as their authors' files hold them: keys, shapes and containers, with random weights.

The tables stand here by themselves, written from the descriptions, so that a name or a shape that is wrong in a network
is not wrong here as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tests.support.weights.tensorflow_bundle import write_bundle

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def conv(name: str, *shape: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": shape} | ({f"{name}.bias": shape[:1]} if bias else {})


def norm(name: str, width: int, *, counted: bool = True) -> Shapes:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (width,) for kind in names} | ({f"{name}.num_batches_tracked": ()} if counted else {})


def merged(*parts: Shapes) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


def densefuse() -> Shapes:
    dense = [conv(f"DB1.denseblock.{at}.dense_conv.conv2d", 16, 16 * (at + 1), 3, 3) for at in range(3)]
    widths = {"conv2": (64, 64), "conv3": (32, 64), "conv4": (16, 32), "conv5": (1, 16)}
    return merged(
        conv("conv1.conv2d", 16, 1, 3, 3),
        *dense,
        *(conv(f"{name}.conv2d", *width, 3, 3) for name, width in widths.items()),
    )


def densefuse_original() -> Shapes:
    layers = {"encoder/conv1_1": (3, 3, 1, 16)}
    layers |= {f"encoder/dense_block_conv{n}": (3, 3, 16 * n, 16) for n in (1, 2, 3)}
    widths = ((64, 64), (64, 32), (32, 16), (16, 1))
    layers |= {f"decoder/conv2_{n}": (3, 3, *width) for n, width in enumerate(widths, start=1)}
    return merged(*({f"{name}/kernel": shape, f"{name}/bias": shape[-1:]} for name, shape in layers.items()))


def didfuse_block(name: str, at: int, inputs: int, outputs: int, *, slope: bool) -> Shapes:
    start = f"{name}.{name}"
    slopes: Shapes = {f"{start}.{at + 2}.weight": (1,)} if slope else {}
    return merged(conv(f"{start}.{at}", outputs, inputs, 3, 3), norm(f"{start}.{at + 1}", outputs), slopes)


def didfuse_encoder() -> Shapes:
    first = didfuse_block("cov1", 1, 1, 64, slope=True)
    return merged(first, *(didfuse_block(f"cov{n}", 0, 64, 64, slope=n == 2) for n in (2, 3, 4)))


def didfuse_decoder() -> Shapes:
    last = didfuse_block("cov7", 1, 128, 1, slope=False)
    return merged(*(didfuse_block(f"cov{n}", 0, 128, 64, slope=True) for n in (5, 6)), last)


def tardal() -> Shapes:
    dense = [merged(conv(f"dense.{n}.0", 32, 32 * (n + 1), 3, 3), norm(f"dense.{n}.1", 32)) for n in range(3)]
    fuse = [conv(f"fuse.{n}.0", *widths, 3, 3) for n, widths in enumerate(((128, 128), (64, 128), (32, 64), (1, 32)))]
    norms = [norm("fuse.1.1", 64), norm("fuse.2.1", 32)]
    return merged(conv("encoder.0", 32, 2, 3, 3), norm("encoder.1", 32), *dense, *fuse, *norms)


def u2fusion_port() -> Shapes:
    dense = [conv(f"dense_layers.{n}.conv.0", 44, 44 * (n + 1), 3, 3) for n in range(5)]
    sub = {"sub.0.0": (128, 264), "sub.1.0": (64, 128), "sub.2.0": (32, 64), "sub.3": (1, 32)}
    return merged(conv("conv_1.0", 44, 2, 3, 3), *dense, *(conv(name, *w, 3, 3) for name, w in sub.items()))


def seafusion() -> Shapes:
    parts = []
    for side in ("vis", "inf"):
        parts.append(conv(f"{side}_conv.conv", 16, 1, 3, 3))
        for name, ins, outs in ((f"{side}_rgbd1", 16, 32), (f"{side}_rgbd2", 32, 48)):
            parts += [
                conv(f"{name}.dense.conv1.conv", ins, ins, 3, 3),
                conv(f"{name}.dense.conv2.conv", ins, 2 * ins, 3, 3),
                conv(f"{name}.convdown.conv", outs, 3 * ins, 1, 1),
                conv(f"{name}.sobelconv.convx", ins, 1, 3, 3, bias=False),
                conv(f"{name}.sobelconv.convy", ins, 1, 3, 3, bias=False),
                conv(f"{name}.convup.conv", outs, ins, 1, 1),
            ]
    for name, outs, ins in (("decode4", 64, 96), ("decode3", 32, 64), ("decode2", 16, 32), ("decode1", 1, 16)):
        parts += [conv(f"{name}.conv", outs, ins, 3, 3), norm(f"{name}.bn", outs)]
    return merged(*parts)


def ifcnn() -> Shapes:
    blocks = [
        merged(conv(f"{name}.conv", 64, 64, 3, 3, bias=False), norm(f"{name}.bn", 64, counted=False))
        for name in ("conv2", "conv3")
    ]
    return merged(conv("conv1", 64, 3, 7, 7, bias=False), *blocks, conv("conv4", 3, 64, 1, 1))


def rfn_autoencoder() -> Shapes:
    widths = {
        "DB1_0": (16, 8, 64),
        "DB2_0": (64, 32, 112),
        "DB3_0": (112, 56, 160),
        "DB4_0": (160, 80, 208),
        "DB1_1": (176, 88, 64),
        "DB2_1": (272, 136, 112),
        "DB1_2": (240, 120, 64),
        "DB3_1": (368, 184, 160),
        "DB2_2": (384, 192, 112),
        "DB1_3": (304, 152, 64),
    }
    blocks = [
        merged(
            conv(f"{name}.denseblock.0.conv2d", middle, ins, 3, 3),
            conv(f"{name}.denseblock.1.conv2d", outs, middle, 1, 1),
        )
        for name, (ins, middle, outs) in widths.items()
    ]
    return merged(conv("conv0.conv2d", 16, 1, 1, 1), *blocks, conv("conv_out.conv2d", 1, 64, 1, 1))


def rfn_fusion() -> Shapes:
    parts = []
    for n, width in enumerate((64, 112, 160, 208), start=1):
        start = f"fusion_block{n}"
        parts += [
            conv(f"{start}.conv_fusion.conv2d", width, 2 * width, 3, 3),
            conv(f"{start}.conv_ir.conv2d", width, width, 3, 3),
            conv(f"{start}.conv_vi.conv2d", width, width, 3, 3),
            conv(f"{start}.bottelblock.0.conv2d", width, 2 * width, 1, 1),
            conv(f"{start}.bottelblock.1.conv2d", width, width, 3, 3),
            conv(f"{start}.bottelblock.2.conv2d", width, width, 3, 3),
        ]
    return merged(*parts)


def smoa_operation(name: str, kind: str) -> Shapes:
    if kind in ("sep3", "sep5"):
        k = int(kind[-1])
        each = [(f"{name}.op.{at}", (16, 1, k, k)) for at in (1, 4)] + [
            (f"{name}.op.{at}", (16, 16, 1, 1)) for at in (2, 5)
        ]
        return merged(*(conv(key, *shape, bias=False) for key, shape in each))
    if kind == "dil3":
        return merged(conv(f"{name}.op.1", 16, 1, 3, 3, bias=False), conv(f"{name}.op.2", 16, 16, 1, 1, bias=False))
    if kind == "dense":
        convs = [conv(f"{name}.conv{n}.conv", 16, 16 * n, 3, 3, bias=False) for n in (1, 2, 3)]
        return merged(*convs, {f"{name}.lrelu.weight": (1,)})
    return merged(
        conv(f"{name}.conv1", 16, 16, 3, 3, bias=False),
        conv(f"{name}.conv2.conv", 16, 16, 3, 3, bias=False),
        conv(f"{name}.se.spatial.conv", 1, 2, 3, 3, bias=False),
        {f"{name}.relu.weight": (1,)},
    )


def smoa_cells(kinds: str, inputs: tuple[tuple[int, int], tuple[int, int]]) -> Shapes:
    parts = []
    for cell, widths in enumerate(inputs):
        parts += [
            conv(f"cells.{cell}.preprocess{n}.op.1", 16, width, 1, 1, bias=False) for n, width in enumerate(widths)
        ]
        parts += [smoa_operation(f"cells.{cell}._ops.{n}", kind) for n, kind in enumerate(kinds.split())]
    return merged(*parts)


def smoa_encoder1() -> Shapes:
    cells = smoa_cells("sep3 spatial sep3 sep3 sep5 sep5 dense dense", ((8, 8), (8, 64)))
    return merged(conv("stem.1", 8, 1, 3, 3, bias=False), cells)


def smoa_encoder2() -> Shapes:
    cells = smoa_cells("spatial dil3 dil3 sep3 sep3 spatial sep3 sep3", ((8, 8), (8, 64)))
    return merged(conv("stem.1", 8, 1, 3, 3, bias=False), cells)


def smoa_decoder() -> Shapes:
    cells = smoa_cells("sep3 dense sep3 sep3 sep5 sep3 dense sep3", ((64, 64), (64, 64)))
    return merged(cells, conv("ConvLayer", 1, 64, 3, 3))


def swin_attention(name: str, **linears: int) -> Shapes:
    fixed: Shapes = {f"{name}.relative_position_bias_table": (225, 6), f"{name}.relative_position_index": (64, 64)}
    return merged(fixed, *(conv(f"{name}.{key}", width, 60) for key, width in linears.items()))


def swin_side(block: str, end: str, **linears: int) -> Shapes:
    norms: Shapes = {f"{block}.norm{n}{end}.{kind}": (60,) for n in (1, 2) for kind in ("weight", "bias")}
    mlp = merged(conv(f"{block}.mlp{end}.fc1", 120, 60), conv(f"{block}.mlp{end}.fc2", 60, 120))
    return merged(norms, swin_attention(f"{block}.attn{end}", **linears), mlp)


def swin_group(name: str, depth: int, *, across: bool = False) -> Shapes:
    parts: list[Shapes] = []
    for n in range(depth):
        block = f"{name}.blocks.{n}"
        if across:
            parts += [swin_side(block, end, q=60, kv=120, proj=60) for end in ("_A", "_B")]
        else:
            parts.append(swin_side(block, "", qkv=180, proj=60))
        if n % 2:
            parts.append({f"{block}.attn_mask": (256, 64, 64)})
    return merged(*parts)


def swinfusion() -> Shapes:
    convs = {
        "conv_first1_A": (30, 1),
        "conv_first1_B": (30, 1),
        "conv_first2_A": (60, 30),
        "conv_first2_B": (30, 30),
        "conv_after_body_Fusion": (60, 120),
        "conv_last1": (30, 60),
        "conv_last2": (15, 30),
        "conv_last3": (1, 15),
    }
    names = ("patch_embed.norm", "norm_Ex_A", "norm_Ex_B", "norm_Fusion_A", "norm_Fusion_B", "norm_Re")
    norms: Shapes = {f"{name}.{kind}": (60,) for name in names for kind in ("weight", "bias")}
    groups = [swin_group(f"layers_{name}.0.residual_group", 4) for name in ("Ex_A", "Ex_B", "Re")]
    for m in (0, 1):
        start = f"layers_Fusion.{m}.residual_group"
        groups += [swin_group(f"{start}_A", 2), swin_group(f"{start}_B", 2), swin_group(start, 2, across=True)]
    return merged(
        *(conv(name, *widths, 3, 3) for name, widths in convs.items()),
        norms,
        *groups,
    )


def u2fusion() -> Shapes:
    layers = {"Generator/encoder/conv1_1": (3, 3, 2, 44)}
    layers |= {f"Generator/encoder/dense_block_conv{n}": (3, 3, 44 * n, 44) for n in range(1, 6)}
    widths = ((264, 128), (128, 64), (64, 32), (32, 1))
    layers |= {f"Generator_1/decoder/conv2_{n}": (3, 3, *width) for n, width in enumerate(widths, start=1)}
    return merged(*({f"{name}/kernel": shape, f"{name}/bias": shape[-1:]} for name, shape in layers.items()))


def sdnet() -> Shapes:
    parts: Shapes = {}
    for side in ("ir", "vi"):
        kernels = [(1, (5, 5, 1, 16)), (2, (3, 3, 16, 16)), (3, (3, 3, 32, 16)), (4, (3, 3, 48, 16))]
        kernels += [(7, (3, 3, 128, 16)), (8, (3, 3, 16, 4)), (9, (3, 3, 4, 1))]
        parts |= {f"layer{n}_{side}/{{}}{n}_{side}": shape for n, shape in kernels}
    parts |= {"layer5_fuse/{}5_fuse": (1, 1, 128, 1), "layer6_sept/{}6_sept": (1, 1, 1, 128)}
    start = "fusion_model/"
    return merged(
        *({start + key.format("w"): shape, start + key.format("b"): shape[-1:]} for key, shape in parts.items())
    )


def fusiongan() -> Shapes:
    kernels = ((5, 5, 2, 256), (5, 5, 256, 128), (3, 3, 128, 64), (3, 3, 64, 32), (1, 1, 32, 1))
    parts: list[Shapes] = [{"discriminator/layer_1/w1_d": (3, 3, 1, 32), "discriminator/layer_1/b1_d": (32,)}]
    for n, shape in enumerate(kernels, start=1):
        start, width = f"fusion_model/layer{n}", shape[-1]
        parts.append({f"{start}/w{n}": shape, f"{start}/b{n}": (width,), f"{start}/weights_SN/u": (1, width)})
        if n < 5:
            kinds = ("gamma", "beta", "moving_mean", "moving_variance")
            parts.append({f"{start}/BatchNorm/{kind}": (width,) for kind in kinds})
    return merged(*parts)


@dataclass(frozen=True)
class Published:
    """A published network. files: the name of every file and what makes its keys and shapes, with the key it is under.

    tensors: how many there are in each.
    """

    name: str
    files: Mapping[str, tuple[Callable[[], Shapes], str]]
    tensors: tuple[int, ...]
    tensorflow: bool = False

    def states(self, seed: int = 0) -> list[dict[str, Tensor]]:
        """The tensors of every file, random."""
        generator = torch.Generator().manual_seed(seed)
        return [
            {name: random_tensor(name, shape, generator) for name, shape in shapes().items()}
            for shapes, _ in self.files.values()
        ]

    def write(self, folder: Path, seed: int = 0) -> list[Path]:
        """Write the files with random weights; return them in order, a TensorFlow checkpoint by its index."""
        paths = []
        for (name, (_, key)), state in zip(self.files.items(), self.states(seed), strict=True):
            path = folder / name
            if self.tensorflow:
                values = {key_: tensor.numpy() for key_, tensor in state.items()}
                path = write_bundle(path, values | {"beta1_power": np.array(0.5, "<f4")}, checked=False)
            else:
                torch.save({key: state, "epoch": 120} if key else state, path)
            paths.append(path)
        return paths


GAINS = ((re.compile(r"_ops\.\d\.op\.[25]\.|preprocess"), 0.5), (re.compile(r"\.se\."), 0.01))
"""What is smaller in SMoA, which adds two maps at every step: trained, its features stay within a few hundred.

Ten cells that double them would leave nothing but rounding errors behind its gates and its counted levels.
"""


def random_tensor(name: str, shape: Shape, generator: torch.Generator) -> Tensor:
    """Weights that keep the size of what passes, variances above 0, small biases, counters."""
    if name.endswith(("num_batches_tracked", "relative_position_index")):
        return torch.zeros(shape, dtype=torch.int64)
    noise: Tensor = torch.randn(shape, generator=generator)
    if name.endswith(("running_var", "moving_variance")):
        return noise.abs() + 0.5
    if name.endswith("kernel") or "/w" in name:
        return noise * math.sqrt(2.0 / math.prod(shape[:-1]))
    if len(shape) > 1:
        gain = math.prod(factor for pattern, factor in GAINS if pattern.search(name))
        return gain * noise * math.sqrt(2.0 / math.prod(shape[1:]))
    if shape == (1,) and name.endswith("weight"):
        return torch.full(shape, 0.2)  # the slope of a PReLU
    return 1.0 + 0.1 * noise if name.endswith("weight") else 0.1 * noise


PUBLISHED = (
    Published("densefuse", {"densefuse_gray.model": (densefuse, "")}, (16,)),
    Published("densefuse-tensorflow", {"DeseFuse.ckpt": (densefuse_original, "")}, (16,), tensorflow=True),
    Published(
        "didfuse",
        {
            "Encoder_weight_IJCAI.pkl": (didfuse_encoder, "weight"),
            "Decoder_weight_IJCAI.pkl": (didfuse_decoder, "weight"),
        },
        (30, 23),
    ),
    Published("tardal", {"tardal++.pt": (tardal, "")}, (46,)),
    Published("u2fusion", {"model.ckpt": (u2fusion, "")}, (20,), tensorflow=True),
    Published("u2fusion-pytorch", {"model.pth": (u2fusion_port, "model")}, (20,)),
    Published(
        "smoa",
        {
            "encoder1_epoch50.pt": (smoa_encoder1, ""),
            "encoder2_epoch50.pt": (smoa_encoder2, ""),
            "decoder_epoch50.pt": (smoa_decoder, ""),
        },
        (69, 61, 70),
    ),
    Published("sdnet", {"SDNet.model": (sdnet, "")}, (32,), tensorflow=True),
    Published("fusiongan", {"FusionGAN": (fusiongan, "")}, (33,), tensorflow=True),
    Published(
        "rfn-nest",
        {"nestfuse_gray_1e2.model": (rfn_autoencoder, ""), "Final_epoch_2.model": (rfn_fusion, "")},
        (44, 48),
    ),
    Published("swinfusion", {"10000_E.pth": (swinfusion, "params")}, (448,)),
    Published("seafusion", {"SeAFusion.pth": (seafusion, "")}, (72,)),
    Published("ifcnn", {"IFCNN-MAX.pth": (ifcnn, "")}, (13,)),
)
"""Every network of the zoo as its authors publish it."""


def published(name: str) -> Published:
    """The one of this name."""
    return next(one for one in PUBLISHED if one.name == name)
