"""The scene of a whole picture: what the network itself finds, in the dark and by day."""

from __future__ import annotations

import pytest
import torch

from coconet.media.pixels import luma
from coconet.networks import bounds
from coconet.networks.camera_ready import mirror_pad
from coconet.runtime.backends.tiles.scene import scene_of
from tests.support.media.textured import unequal_pair


@pytest.mark.parametrize("size", [(48, 64), (301, 407), (523, 45)])
@pytest.mark.parametrize(("divisor", "channels"), [(1, 3), (2, 1), (3, 3)])
@pytest.mark.parametrize("halved", [False, True])
def test_the_scene_is_what_the_network_finds_of_the_padded_picture(
    size: tuple[int, int], divisor: int, channels: int, halved: bool
) -> None:
    visible, infrared = (side // divisor for side in unequal_pair(*size, channels))
    planes = [torch.from_numpy(luma(side))[None, None] / 255 for side in (visible, infrared)]
    both = mirror_pad(mirror_pad(torch.cat(planes, dim=1), 2, 16), 3, 16)
    coarse = torch.nn.functional.avg_pool2d(both, 16 if halved else 8)
    brightness, deviation, levels = scene_of(visible, infrared, 16, halved=halved)
    wanted = bounds.brightness_of(coarse).item(), bounds.deviation_of(coarse).item()
    assert (brightness, deviation) == pytest.approx(wanted, abs=1e-5)
    assert levels == pytest.approx(bounds.levels_of(coarse).flatten().tolist(), abs=1e-5)
