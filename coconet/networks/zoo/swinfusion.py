"""SwinFusion (Ma et al., IEEE/CAA JAS 2022): attention in shifted windows, within each image and across both."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, cut_off, leaky, named
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH, HEADS, WINDOW = 60, 6, 8

TOKENS, SHIFT, HEAD = WINDOW * WINDOW, WINDOW // 2, WIDTH // HEADS

OTHER_REGION = -100.0
"""Added to the energy of two tokens that only the cyclic shift has brought into one window."""

UNUSED = re.compile(r"\.(?:relative_position_index|attn_mask)$|^conv_first[12]_B\.")
"""Indices that follow from the window, masks of the size of training, and convolutions that no image passes."""


class Attention(nn.Module):
    """Attention among the 64 tokens of a window, with a bias for every offset between two of them."""

    bias_index: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, HEADS))
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("bias_index", _bias_index(), persistent=False)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Three (N, 64, 60) of windows, and what is added to the energies, (N, 1, 64, 64), to (N, 64, 60)."""
        query, key, value = (x.reshape(-1, TOKENS, HEADS, HEAD).transpose(1, 2) for x in (query, key, value))
        energy = (query * HEAD**-0.5) @ key.transpose(2, 3)  # N, 6, 64, 64
        bias = self.relative_position_bias_table.index_select(0, self.bias_index)
        energy = energy + bias.reshape(TOKENS, TOKENS, HEADS).permute(2, 0, 1)
        energy = energy if mask is None else energy + mask
        mixed = torch.softmax(energy, dim=-1) @ value
        answer: Tensor = self.proj(mixed.transpose(1, 2).reshape(-1, TOKENS, WIDTH))
        return answer


class WithinAttention(Attention):
    """Queries, keys and values of one map."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(N, 64, 60) windows to the same shape."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        return self.attend(query, key, value, mask)


class AcrossAttention(Attention):
    """Queries of one map, keys and values of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Linear(WIDTH, WIDTH)
        self.kv = nn.Linear(WIDTH, 2 * WIDTH)

    def forward(self, x: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        """Two (N, 64, 60) of windows to one."""
        key, value = self.kv(other).chunk(2, dim=-1)
        return self.attend(self.q(x), key, value, mask)


class Mlp(nn.Module):
    """Two linear layers on every token, exact GELU between."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(WIDTH, 2 * WIDTH)
        self.fc2 = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(..., 60) to the same shape."""
        wide = self.fc1(x)
        # Written out: TensorRT 10.3 has the error function, but GELU is no operator of every parser.
        answer: Tensor = self.fc2(0.5 * wide * (1.0 + torch.erf(wide * 0.5**0.5)))
        return answer


class WithinBlock(nn.Module):
    """A window block on one map; every other one shifts the map by half a window, so that windows overlap."""

    def __init__(self, *, shifted: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn, self.mlp = WithinAttention(), Mlp()
        self.shifted = shifted

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, H, W, 60), sides multiples of 8, to the same shape; mask: see `_region_mask`."""
        windows = self.attn(_windows(self.norm1(x), self.shifted), mask if self.shifted else None)
        x = x + _joined(windows, x, self.shifted)
        answer: Tensor = x + self.mlp(self.norm2(x))
        return answer


class AcrossBlock(nn.Module):
    """A window block on two maps, each of which asks the other."""

    def __init__(self, *, shifted: bool) -> None:
        super().__init__()
        for side in ("A", "B"):
            self.add_module(f"norm1_{side}", nn.LayerNorm(WIDTH))
            self.add_module(f"attn_{side}", AcrossAttention())
            self.add_module(f"norm2_{side}", nn.LayerNorm(WIDTH))
            self.add_module(f"mlp_{side}", Mlp())
        self.shifted = shifted

    def forward(self, a: Tensor, b: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Two (B, H, W, 60) to the same; both attentions see the maps from before this block."""
        of_a, of_b = (
            _windows(self.get_submodule(f"norm1_{side}")(x), self.shifted) for side, x in (("A", a), ("B", b))
        )
        return self._one("A", a, of_a, of_b, mask), self._one("B", b, of_b, of_a, mask)

    def _one(self, side: str, x: Tensor, own: Tensor, other: Tensor, mask: Tensor) -> Tensor:
        windows = self.get_submodule(f"attn_{side}")(own, other, mask if self.shifted else None)
        x = x + _joined(windows, x, self.shifted)
        answer: Tensor = x + self.get_submodule(f"mlp_{side}")(self.get_submodule(f"norm2_{side}")(x))
        return answer


def _group(depth: int, **more: nn.Module) -> nn.ModuleDict:
    blocks = nn.ModuleDict({"blocks": nn.ModuleList(WithinBlock(shifted=at % 2 == 1) for at in range(depth))})
    return nn.ModuleDict({"residual_group": blocks, **more})


def _fusion_group() -> nn.ModuleDict:
    across = nn.ModuleList(AcrossBlock(shifted=at % 2 == 1) for at in range(2))
    within = {f"residual_group_{side}": _group(2)["residual_group"] for side in ("A", "B")}
    return nn.ModuleDict({**within, "residual_group": nn.ModuleDict({"blocks": across})})


class SwinFusion(nn.Module):
    """The network for gray images; A is infrared, B is visible. Parameters are named as in the published file."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_first1_A, self.conv_first2_A = conv(1, 30), conv(30, WIDTH)  # of both images
        self.patch_embed = named(norm=nn.LayerNorm(WIDTH))
        self.layers_Ex_A, self.layers_Ex_B = nn.ModuleList([_group(4)]), nn.ModuleList([_group(4)])
        self.norm_Ex_A, self.norm_Ex_B = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.layers_Fusion = nn.ModuleList([_fusion_group(), _fusion_group()])
        self.norm_Fusion_A, self.norm_Fusion_B = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.conv_after_body_Fusion = conv(2 * WIDTH, WIDTH)
        self.layers_Re = nn.ModuleList([_group(4)])
        self.norm_Re = nn.LayerNorm(WIDTH)
        self.conv_last1, self.conv_last2, self.conv_last3 = conv(WIDTH, 30), conv(30, 15), conv(15, 1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..1, sides of 8 or more, to one near 0..1, cut off there."""
        height, width = infrared.shape[2:]
        a, b = (self._first(_with_strip(image)) for image in (infrared, visible))
        mask = _region_mask(a)
        a = self.norm_Ex_A(_through(self.layers_Ex_A[0], "residual_group", a, mask))
        b = self.norm_Ex_B(_through(self.layers_Ex_B[0], "residual_group", b, mask))
        a, b = self.patch_embed(a), self.patch_embed(b)
        for group in self.layers_Fusion:
            a = _through(group, "residual_group_A", a, mask)
            b = _through(group, "residual_group_B", b, mask)
            for block in group.get_submodule("residual_group.blocks").children():
                a, b = block(a, b, mask)
        both = torch.cat((self.norm_Fusion_A(a), self.norm_Fusion_B(b)), dim=3).permute(0, 3, 1, 2)
        x = self.patch_embed(leaky(self.conv_after_body_Fusion(both)).permute(0, 2, 3, 1))
        x = self.norm_Re(_through(self.layers_Re[0], "residual_group", x, mask)).permute(0, 3, 1, 2)
        fused: Tensor = self.conv_last3(leaky(self.conv_last2(leaky(self.conv_last1(x)))))
        return cut_off(self, fused[:, :, :height, :width], 0.0, 1.0)

    def _first(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to tokens, (B, H, W, 60)."""
        x = leaky(self.conv_first2_A(leaky(self.conv_first1_A(image))))
        answer: Tensor = self.patch_embed(x.permute(0, 2, 3, 1))
        return answer


def _through(layer: nn.Module, group: str, x: Tensor, mask: Tensor) -> Tensor:
    for block in layer.get_submodule(f"{group}.blocks").children():
        x = block(x, mask)
    return x


def _with_strip(image: Tensor) -> Tensor:
    """Add a mirrored strip at the bottom and at the right, up to the next multiple of 8, a full 8 where it is one."""
    for dim in (2, 3):
        size = image.shape[dim]
        place = torch.arange((size // WINDOW + 1) * WINDOW, device=image.device)
        image = image.index_select(dim, torch.minimum(place, 2 * size - 1 - place))
    return image


def _windows(x: Tensor, shifted: bool) -> Tensor:
    """(B, H, W, C) to (N, 64, C), windows row by row; a shifted map moves by half a window, up and to the left."""
    x = _rolled(x, SHIFT) if shifted else x
    batch, height, width, channels = x.shape
    split = x.reshape(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return split.permute(0, 1, 3, 2, 4, 5).reshape(-1, TOKENS, channels)


def _joined(windows: Tensor, like: Tensor, shifted: bool) -> Tensor:
    """Take back what `_windows` did to a map of this shape."""
    batch, height, width, channels = like.shape
    split = windows.reshape(batch, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
    x = split.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels)
    return _rolled(x, -SHIFT) if shifted else x


def _rolled(x: Tensor, shift: int) -> Tensor:
    """Move a map (B, H, W, C) up and to the left, what falls off coming back at the other end.

    In slices: torch.roll becomes a gather by a remainder, which is slower and no operator of every parser.
    """
    for dim in (1, 2):
        size = x.shape[dim]
        cut = shift if shift > 0 else size + shift
        x = torch.cat((x.narrow(dim, cut, size - cut), x.narrow(dim, 0, cut)), dim=dim)
    return x


def _region_mask(like: Tensor) -> Tensor:
    """(N, 1, 64, 64) for the shifted windows of a map (B, H, W, C): 0 within one region, OTHER_REGION between two.

    Rows and columns are cut at a window and at half a window from their end, which makes nine regions.
    """
    batch, height, width, _ = like.shape
    rows, columns = (_cuts(side, like) for side in (height, width))
    regions = (3 * rows[:, None] + columns[None, :]).expand(batch, height, width).unsqueeze(3)
    numbers = _windows(regions, shifted=False)  # N, 64, 1
    return ((numbers != numbers.transpose(1, 2)).to(like.dtype) * OTHER_REGION).unsqueeze(1)


def _cuts(side: int, like: Tensor) -> Tensor:
    place = torch.arange(side, device=like.device)
    return (place >= side - WINDOW).to(like.dtype) + (place >= side - SHIFT).to(like.dtype)


def _bias_index() -> Tensor:
    """(4096,) rows of the bias table for a query (first) and a key: (dy + 7) * 15 + dx + 7."""
    place = torch.arange(TOKENS)
    apart = [part[:, None] - part[None, :] + WINDOW - 1 for part in (place // WINDOW, place % WINDOW)]
    return (apart[0] * (2 * WINDOW - 1) + apart[1]).flatten()


def _without_unused(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not UNUSED.search(name)}


PUBLISHED = Signature()

COLOUR = "luma is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "swinfusion",
    SwinFusion,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "mirrored strip", COLOUR),
    adapt=_without_unused,
)
