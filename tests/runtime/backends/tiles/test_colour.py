"""Colours of parts: the squares by which chroma follows luma are those of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.media.pixels import Pixels
from coconet.networks.camera_ready import Fuser
from coconet.networks.chroma import reach_px
from coconet.runtime.backends.tiles.plan import cut_out, plan_of
from tests.support.media.textured import unequal_pair


class Infrared(nn.Module):
    """Gives back the infrared image, of which nothing but the pixel itself decides."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return infrared


def fuse(multiple: int, visible: Pixels, infrared: Pixels) -> Pixels:
    fuser = Fuser(Infrared(), Signature(side_multiple=multiple))
    fused: Pixels = fuser(torch.from_numpy(visible)[None], torch.from_numpy(infrared)[None])[0].numpy()
    return fused


def apart(multiple: int, size: tuple[int, int], overlap_px: int) -> int:
    """The largest difference of a picture in parts from the whole one, in levels."""
    pair = unequal_pair(*size)
    plan = plan_of(size, overlap_px, multiple, 6000)
    assert plan is not None
    assert len(plan) > 1
    wanted, found = fuse(multiple, *pair), np.empty((*size, 3), np.uint8)
    for row, column in plan:
        part = fuse(multiple, *(cut_out(side, row, column) for side in pair))
        found[row.place, column.place] = part[row.within, column.within]
    return int(np.abs(found.astype(int) - wanted).max())


@pytest.mark.parametrize("size", [(128, 160), (131, 173), (97, 235)])
@pytest.mark.parametrize("multiple", [1, 2, 8, 16])
def test_parts_that_reach_as_far_as_the_squares_have_the_colours_of_the_whole(
    multiple: int, size: tuple[int, int]
) -> None:
    assert apart(multiple, size, reach_px(multiple)) <= 1


def test_parts_that_do_not_have_others() -> None:
    assert apart(8, (131, 173), 0) > 1
