"""How far the networks see: a pixel that is no number shows in what depends on it, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import NETWORKS
from coconet.networks.lite import LiteNet
from coconet.networks.network import Network
from coconet.networks.scene import Scene

TILED = [network for network in NETWORKS if network.signature.tiling is not None]

WHOLE = {"coconet", "fusiongan", "rfn-nest", "smoa", "swinfusion"}
"""Statistics of the picture, attention, or odd sides that are halved."""

NOT_MEASURED = {"tardal", "u2fusion", "u2fusion-pytorch"}
"""What a pixel of them takes of memory is not known yet."""


def farthest(fuser: Fuser, side: int, place: int) -> int:
    """How far from (place, place) a pixel of the fused picture depends on that one."""
    torch.manual_seed(0)
    pair = [100 + 100 * torch.rand(1, side, side, channels) for channels in (3, 1)]
    with torch.inference_mode():
        whole = fuser(*pair)
        for image in pair:
            image[0, place, place] = float("nan")  # black, once it is a picture
        spoilt = (fuser(*pair) != whole).any(dim=-1)[0].nonzero()
    return int((spoilt - place).abs().max())


def reach(fuser: Fuser, overlap: int, multiple: int) -> int:
    """How far a pixel of the fused picture sees, found in a picture that the overlap fits into."""
    side = -(-(2 * overlap + 12) // 16) * 16
    return max(farthest(fuser, side, side // 2 // 16 * 16 + shift) for shift in range(multiple))


@pytest.mark.parametrize("network", TILED, ids=lambda network: network.name)
def test_no_pixel_depends_on_one_beyond_the_overlap_and_some_on_one_at_its_end(network: Network[Any]) -> None:
    core, multiple = network.build().eval(), network.signature.side_multiple
    if isinstance(core, LiteNet):
        core.scene = Scene(0.4, 0.1, (0.4, 0.4))  # of the whole picture, which is not found in a part
    assert network.signature.tiling is not None
    overlap = network.signature.tiling.overlap_px
    fuser = Fuser(core, network.signature)
    assert reach(fuser, overlap, multiple) == overlap
    if isinstance(core, LiteNet):
        core.halved = True
        overlap = network.signature.tiling.reach_px(halved=True)
        assert overlap - multiple < reach(fuser, overlap, multiple) <= overlap


def test_the_other_networks_are_not_given_parts() -> None:
    assert {network.name for network in NETWORKS} - {network.name for network in TILED} == WHOLE | NOT_MEASURED
    assert all(network.published in (None, network.signature) for network in TILED)
