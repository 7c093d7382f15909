"""The stretch room of a whole picture: what the network itself finds, in the dark and by day."""

from __future__ import annotations

import pytest
import torch

from coconet.media.pixels import luma
from coconet.networks import bounds
from coconet.networks.camera_ready import mirror_pad
from coconet.networks.room import LEEWAY
from coconet.runtime.backends.tiles.room import stretch_room
from tests.support.media.textured import unequal_pair


@pytest.mark.parametrize("size", [(48, 64), (301, 407), (523, 45)])
@pytest.mark.parametrize(("divisor", "channels"), [(1, 3), (2, 1), (3, 3)])
def test_the_room_is_what_the_network_finds_of_the_padded_picture(
    size: tuple[int, int], divisor: int, channels: int
) -> None:
    visible, infrared = (side // divisor for side in unequal_pair(*size, channels))
    planes = [torch.from_numpy(luma(side))[None, None] / 255 for side in (visible, infrared)]
    both = mirror_pad(mirror_pad(torch.cat(planes, dim=1), 2, 8), 3, 8)
    wanted = bounds.stretch_room(torch.nn.functional.avg_pool2d(both, 8)).item()
    assert stretch_room(visible, infrared) == pytest.approx(wanted, abs=1e-5)


def test_a_dark_pair_has_next_to_no_room() -> None:
    visible, infrared = (side // 9 for side in unequal_pair(64, 64))
    assert stretch_room(visible, infrared) == pytest.approx(LEEWAY)
