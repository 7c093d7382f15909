"""SDNet (Zhang and Ma, IJCV 2021): two small dense branches, squeezed into one picture; the half that fuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coconet.cards.model_card import Publication, Signature
from coconet.cards.tiling import Tiling
from coconet.errors import MissingPackage
from coconet.networks.layers.blocks import TRAINING, conv, from_tensorflow, leaky
from coconet.networks.network import Network

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


WIDTH, STEPS = 16, 4

VARIABLE = re.compile(r"fusion_model/(layer(\d)_(?:ir|vi|fuse|sept))/([wb])\d\w*")


class SDNet(nn.Module):
    """The layers that fuse, 1 to 5 (18 tensors); what takes the picture apart again is for the training alone."""

    def __init__(self) -> None:
        super().__init__()
        for side in ("ir", "vi"):
            self.add_module(f"layer1_{side}", conv(1, WIDTH, kernel=5))
            for step in range(2, STEPS + 1):
                self.add_module(f"layer{step}_{side}", conv(WIDTH * (step - 1), WIDTH))
        self.layer5_fuse = conv(2 * WIDTH * STEPS, 1, kernel=1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in -1..1 to one in -1..1."""
        branches = zip(self._branch("ir", infrared), self._branch("vi", visible), strict=True)
        return torch.tanh(self.layer5_fuse(torch.cat([maps for pair in branches for maps in pair], dim=1)))

    def _branch(self, side: str, image: Tensor) -> list[Tensor]:
        """(B, 1, H, W) to four (B, 16, H, W), each of all before it."""
        maps = [leaky(self.get_submodule(f"layer1_{side}")(image))]
        for step in range(2, STEPS + 1):
            maps.append(leaky(self.get_submodule(f"layer{step}_{side}")(torch.cat(maps, dim=1))))
        return maps


def _from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def name_of(variable: str) -> str | None:
        match = VARIABLE.fullmatch(variable)
        if match is None or int(match[2]) > STEPS + 1:
            return match and ""
        return f"{match[1]}.{'weight' if match[3] == 'w' else 'bias'}"

    return from_tensorflow(tensors, name_of)


PUBLISHED = Signature(input_range=(-1.0, 1.0), output_range=(-1.0, 1.0), tiling=Tiling(5, 1400))

COLOUR = "gray is fused, the visible picture keeps its chroma"

NETWORK = Network(
    "sdnet",
    SDNet,
    PUBLISHED,
    PUBLISHED,
    training=TRAINING,
    publication=Publication("infrared,visible", "zeros", COLOUR, stretched=True),
    adapt=_from_tensorflow,
)
