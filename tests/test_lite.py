from __future__ import annotations

import torch

from coconet.lite import LiteNet


def test_it_is_small() -> None:
    assert 100_000 <= sum(p.numel() for p in LiteNet().parameters()) <= 200_000


def test_an_undecided_network_gives_the_mean_of_both_sources_at_full_resolution() -> None:
    net = LiteNet()
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    visible, infrared = torch.rand(2, 1, 1, 24, 32)
    torch.testing.assert_close(net(visible, infrared), (visible + infrared) / 2)


def test_equal_sources_differ_from_the_answer_by_the_added_detail_only() -> None:
    net, image = LiteNet().eval(), torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        assert (net(image, image) - image).abs().max() <= 0.5


def test_it_keeps_the_shape_of_its_input() -> None:
    assert LiteNet()(*torch.rand(2, 3, 1, 40, 56)).shape == (3, 1, 40, 56)
