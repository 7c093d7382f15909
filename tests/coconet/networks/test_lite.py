from __future__ import annotations

import torch
from torch.nn import functional

from coconet.networks.lite import LiteNet


def test_it_is_small() -> None:
    assert 100_000 <= sum(p.numel() for p in LiteNet().parameters()) <= 200_000


def test_an_undecided_network_shares_the_coarse_band_and_keeps_the_detail_of_both() -> None:
    net = LiteNet()
    for parameter in net.head.parameters():
        torch.nn.init.zeros_(parameter)
    visible, infrared = torch.rand(2, 1, 1, 24, 32)
    coarse = [functional.avg_pool2d(image, 8) for image in (visible, infrared)]
    low = [functional.interpolate(image, scale_factor=8, mode="bilinear") for image in coarse]
    expected = (low[0] + low[1]) / 2 + (visible - low[0]) + (infrared - low[1])
    torch.testing.assert_close(net(visible, infrared), expected)


def test_flat_sources_of_one_level_give_that_level_and_what_is_added() -> None:
    net, image = LiteNet().eval(), torch.full((1, 1, 16, 16), 0.4)
    with torch.no_grad():
        assert (net(image, image) - image).abs().max() <= 0.5


def test_it_keeps_the_shape_of_its_input() -> None:
    assert LiteNet()(*torch.rand(2, 3, 1, 40, 56)).shape == (3, 1, 40, 56)
