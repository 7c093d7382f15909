"""What SwinFusion computes, written a second time from its description: window by window, regions by their borders."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SHIFT, HEADS, HEAD = 8, 4, 6, 10


class SwinForward:
    """The network on the tensors of its file; maps are (H, W, channels)."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.state = state

    def fuse(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """Two (1, 1, H, W) in 0..1 to one, not clipped."""
        a, b = (
            self.norm("patch_embed.norm", self.norm(f"norm_Ex_{end}", self.within(group, 4, self.first(image))))
            for end, group, image in (
                ("A", "layers_Ex_A.0.residual_group", infrared),
                ("B", "layers_Ex_B.0.residual_group", visible),
            )
        )
        for m in (0, 1):
            start = f"layers_Fusion.{m}.residual_group"
            a, b = self.within(f"{start}_A", 2, a), self.within(f"{start}_B", 2, b)
            for n in (0, 1):
                block = f"{start}.blocks.{n}"
                a, b = (
                    self.across(block, "AB", (a, b), shifted=n == 1),
                    self.across(block, "BA", (b, a), shifted=n == 1),
                )
        x = self.conv(
            "conv_after_body_Fusion", torch.cat((self.norm("norm_Fusion_A", a), self.norm("norm_Fusion_B", b)), 2)
        )
        x = self.within("layers_Re.0.residual_group", 4, self.norm("patch_embed.norm", self.leaky(x)))
        x = self.norm("norm_Re", x)
        for name in ("conv_last1", "conv_last2"):
            x = self.leaky(self.conv(name, x))
        height, width = infrared.shape[2:]
        return self.conv("conv_last3", x).permute(2, 0, 1)[None, :, :height, :width]

    def first(self, image: Tensor) -> Tensor:
        """The picture with its mirror image behind it, cut at the next multiple of a window, as tokens."""
        for dim in (2, 3):
            whole = (image.shape[dim] // WINDOW + 1) * WINDOW
            image = torch.cat((image, image.flip(dim)), dim).narrow(dim, 0, whole)
        x = image[0].permute(1, 2, 0)
        for name in ("conv_first1_A", "conv_first2_A"):
            x = self.leaky(self.conv(name, x))
        return self.norm("patch_embed.norm", x)

    def within(self, group: str, depth: int, x: Tensor) -> Tensor:
        """Blocks in which a map asks itself; every second one is shifted."""
        for n in range(depth):
            block = f"{group}.blocks.{n}"
            y = self.norm(f"{block}.norm1", x)
            x = x + self.attended(f"{block}.attn", y, y, shifted=n % 2 == 1)
            x = x + self.mlp(f"{block}.mlp", self.norm(f"{block}.norm2", x))
        return x

    def across(self, block: str, ends: str, maps: tuple[Tensor, Tensor], *, shifted: bool) -> Tensor:
        """A block in which the first map asks the second."""
        mine, theirs = (self.norm(f"{block}.norm1_{end}", x) for end, x in zip(ends, maps, strict=True))
        x = maps[0] + self.attended(f"{block}.attn_{ends[0]}", mine, theirs, shifted=shifted)
        return x + self.mlp(f"{block}.mlp_{ends[0]}", self.norm(f"{block}.norm2_{ends[0]}", x))

    def attended(self, name: str, mine: Tensor, theirs: Tensor, *, shifted: bool) -> Tensor:
        """Window by window; shifted: moved up and to the left before, and back behind."""
        height, width = mine.shape[:2]
        regions = torch.zeros(height, width)
        for cut in (WINDOW, SHIFT):
            regions[height - cut :] += 3
            regions[:, width - cut :] += 1
        if shifted:
            mine, theirs = (x.roll((-SHIFT, -SHIFT), (0, 1)) for x in (mine, theirs))
        answer = torch.empty_like(mine)
        for row in range(0, height, WINDOW):
            for column in range(0, width, WINDOW):
                place = (slice(row, row + WINDOW), slice(column, column + WINDOW))
                query, other = mine[place].reshape(64, 60), theirs[place].reshape(64, 60)
                near = regions[place].reshape(64) if shifted else torch.zeros(64)
                answer[place] = self.attention(name, query, other, near).reshape(WINDOW, WINDOW, 60)
        return answer.roll((SHIFT, SHIFT), (0, 1)) if shifted else answer

    def attention(self, name: str, mine: Tensor, theirs: Tensor, regions: Tensor) -> Tensor:
        """Tokens (64, 60) of one window; regions: the number of each, of which only equal ones see each other."""
        if f"{name}.qkv.weight" in self.state:
            query, key, value = self.linear(f"{name}.qkv", mine).split(60, 1)
        else:
            query, (key, value) = self.linear(f"{name}.q", mine), self.linear(f"{name}.kv", theirs).split(60, 1)
        query, key, value = (x.reshape(64, HEADS, HEAD).permute(1, 0, 2) for x in (query, key, value))
        place = torch.arange(64)
        down, right = (part[:, None] - part[None, :] + 7 for part in (place // 8, place % 8))
        bias = self.state[f"{name}.relative_position_bias_table"][15 * down + right].permute(2, 0, 1)
        energy = query * HEAD**-0.5 @ key.transpose(1, 2) + bias - 100.0 * (regions[:, None] != regions[None, :])
        return self.linear(f"{name}.proj", (energy.softmax(2) @ value).permute(1, 0, 2).reshape(64, 60))

    def conv(self, name: str, x: Tensor) -> Tensor:
        """3x3 among zeros."""
        state = self.state
        found = functional.conv2d(x.permute(2, 0, 1)[None], state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
        return found[0].permute(1, 2, 0)

    def norm(self, name: str, x: Tensor) -> Tensor:
        """Over the channels of every token."""
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def linear(self, name: str, x: Tensor) -> Tensor:
        """On every token."""
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def mlp(self, name: str, x: Tensor) -> Tensor:
        """On every token, exact GELU between."""
        return self.linear(f"{name}.fc2", functional.gelu(self.linear(f"{name}.fc1", x)))

    def leaky(self, x: Tensor) -> Tensor:
        """Of slope 0.2."""
        return torch.where(x >= 0, x, 0.2 * x)
