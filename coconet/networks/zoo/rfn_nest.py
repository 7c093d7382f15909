"""RFN-Nest (Li, Wu and Kittler, Information Fusion 2021): a nested auto-encoder, features joined by residual blocks."""

from __future__ import annotations

from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, ReflectedConv, named
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTHS = (64, 112, 160, 208)
"""Channels at 1, 1/2, 1/4 and 1/8 of the size."""

DECODER = {"DB1_1": (176, 64), "DB2_1": (272, 112), "DB1_2": (240, 64), "DB3_1": (368, 160)}
DECODER |= {"DB2_2": (384, 112), "DB1_3": (304, 64)}


def _block(inputs: int, outputs: int) -> nn.Sequential:
    inner = nn.Sequential(ReflectedConv(inputs, inputs // 2), ReflectedConv(inputs // 2, outputs, kernel=1))
    return named(denseblock=inner)


class AutoEncoder(nn.Module):
    """One image to four maps, and four fused maps to one image (44 tensors)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = ReflectedConv(1, 16, kernel=1)
        for level, (inputs, outputs) in enumerate(zip((16, *WIDTHS), WIDTHS, strict=False), start=1):
            self.add_module(f"DB{level}_0", _block(inputs, outputs))
        for name, widths in DECODER.items():
            self.add_module(name, _block(*widths))
        self.conv_out = ReflectedConv(64, 1, kernel=1, last=True)

    def encode(self, image: Tensor) -> list[Tensor]:
        """(B, 1, H, W) to maps of WIDTHS channels; odd sides are rounded down when halved."""
        x = self.conv0(image)
        maps = []
        for level in range(1, len(WIDTHS) + 1):
            x = self._run(f"DB{level}_0", x if level == 1 else functional.max_pool2d(x, 2))
            maps.append(x)
        return maps

    def decode(self, f1: Tensor, f2: Tensor, f3: Tensor, f4: Tensor) -> Tensor:
        """Four maps as `encode` gives them to (B, 1, H, W), 0 or more."""
        x11 = self._run("DB1_1", f1, _enlarged(f2, f1))
        x21 = self._run("DB2_1", f2, _enlarged(f3, f2))
        x12 = self._run("DB1_2", f1, x11, _enlarged(x21, f1))
        x31 = self._run("DB3_1", f3, _enlarged(f4, f3))
        x22 = self._run("DB2_2", f2, x21, _enlarged(x31, f2))
        x13 = self._run("DB1_3", f1, x11, x12, _enlarged(x22, f1))
        answer: Tensor = self.conv_out(x13)
        return answer

    def _run(self, name: str, *maps: Tensor) -> Tensor:
        answer: Tensor = self.get_submodule(name)(torch.cat(maps, dim=1))
        return answer


class Residual(nn.Module):
    """The residual fusion of one level, a branch for each image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_fusion = ReflectedConv(2 * width, width)
        self.conv_ir = ReflectedConv(width, width)
        self.conv_vi = ReflectedConv(width, width)
        self.bottelblock = nn.Sequential(  # spelt as in the published file
            ReflectedConv(2 * width, width, kernel=1), ReflectedConv(width, width), ReflectedConv(width, width)
        )

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """Two (B, width, H, W) to one."""
        joined: Tensor = self.conv_fusion(torch.cat((infrared, visible), dim=1))
        detail: Tensor = self.bottelblock(torch.cat((self.conv_ir(infrared), self.conv_vi(visible)), dim=1))
        return joined + detail


class RfnNest(nn.Module):
    """The network. Both parts are named as in their published files (44 and 48 tensors)."""

    def __init__(self) -> None:
        super().__init__()
        self.autoencoder = AutoEncoder()
        self.fusion = named(**{f"fusion_block{level}": Residual(width) for level, width in enumerate(WIDTHS, start=1)})

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..255, sides of 16 or more, to one of 0 or more, about 0..255."""
        both = self.autoencoder.encode(torch.cat((infrared, visible)))
        halves = ((maps[: len(infrared)], maps[len(infrared) :]) for maps in both)
        fused = [block(*half) for block, half in zip(self.fusion, halves, strict=True)]
        return self.autoencoder.decode(*fused)


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Nearest neighbours by 2, to the size of a map that had an odd row or column more before it was halved.

    Published as a reflecting pad of that row: of nearest neighbours it is the last one once more. Written as a gather,
    as no pad has an amount that is known at run time only.
    """
    for dim in (2, 3):
        # In floats: whole numbers are divided in ways that TensorRT has no operator for.
        place = (torch.arange(like.shape[dim], device=x.device, dtype=torch.float32) * 0.5).floor()
        x = x.index_select(dim, place.clamp_max(x.shape[dim] - 1).to(torch.int64))
    return x


def _from_deeply_supervised(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    # That variant has an output after every step of the decoder; the last one is the answer.
    if "conv3.conv2d.weight" not in tensors:
        return tensors
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(("conv1.", "conv2."))}
    return {name.replace("conv3.", "conv_out.") if name.startswith("conv3.") else name: kept[name] for name in kept}


PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(0.0, 255.0))

NETWORK = Network(
    "rfn-nest",
    RfnNest,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "reflection", stretched=True),
    adapt=_from_deeply_supervised,
    parts=("autoencoder", "fusion"),
)
