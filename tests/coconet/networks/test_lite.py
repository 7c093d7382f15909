from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from coconet.model_names import checkpoint_path
from coconet.networks.bounds import LEAK, rises_of, short_of_the_ends, upsampled
from coconet.networks.checkpoint import load_checkpoint
from coconet.networks.lite import NO_CONTRAST, LiteNet, upgrade
from coconet.networks.scene import LEAN, LIT, Scene


def test_it_is_small() -> None:
    assert 100_000 <= sum(p.numel() for p in LiteNet().parameters()) <= 200_000


GAINS, CONTRASTS = slice(2, 4), slice(4, 6)
"""Places among what the head says."""


def undecided() -> LiteNet:
    """One that shares both coarse bands alike, keeps the detail of both and stretches nothing."""
    net = LiteNet().eval()
    for parameter in net.head.parameters():
        torch.nn.init.zeros_(parameter)
    net.get_parameter("head.bias").data[CONTRASTS] = NO_CONTRAST - 100.0
    return net


def test_an_undecided_network_shares_the_coarse_band_and_keeps_the_detail_of_both() -> None:
    net, visible, infrared = undecided(), *(0.4 + 0.2 * torch.rand(2, 1, 1, 24, 32))
    net.scene = Scene(LIT, 0.1, (0.5, 0.5))
    low = [upsampled(functional.avg_pool2d(image, 8)) for image in (visible, infrared)]
    expected = (low[0] + low[1]) / 2 + (visible - low[0]) + (infrared - low[1])
    torch.testing.assert_close(net(visible, infrared), expected)


def test_by_night_both_coarse_bands_lean_to_the_brighter_one_and_the_detail_stays() -> None:
    net, visible, infrared = undecided(), *(0.05 + 0.1 * torch.rand(2, 1, 1, 24, 32))
    coarse = [functional.avg_pool2d(image, 8) for image in (visible, infrared)]
    rises = rises_of(torch.cat(coarse, dim=1)).chunk(2, dim=1)
    leaning = [upsampled(image + LEAN * rise) for image, rise in zip(coarse, rises, strict=True)]
    low = [upsampled(image) for image in coarse]
    expected = (leaning[0] + leaning[1]) / 2 + (visible - low[0]) + (infrared - low[1])
    torch.testing.assert_close(net(visible, infrared), short_of_the_ends(expected, visible, infrared))


def test_what_is_too_bright_learns_to_be_less_though_it_is_kept_from_white() -> None:
    net = LiteNet().train()
    checkers = torch.tensor([0.1, 0.99]).repeat(1, 1, 16, 8)
    bias = net.get_parameter("head.bias")
    torch.nn.init.constant_(bias[GAINS], 4.0)  # all of the detail of both
    fused = net(checkers, checkers)
    assert net.eval()(checkers, checkers).max() < 1.0 < fused.max() < 1.0 + 2 * LEAK
    fused.sum().backward()
    assert bias.grad is not None
    assert bias.grad.abs().max() > 0.0


def test_what_it_decides_is_not_narrowed_in_training() -> None:
    net = undecided().train()
    torch.nn.init.constant_(net.get_parameter("head.bias"), 0.3007)  # bfloat16 has 0.30078
    pictures = 0.4 + 0.2 * torch.rand(2, 1, 1, 24, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrowed = net(*pictures)
    torch.testing.assert_close(narrowed, net(*pictures), rtol=0.0, atol=1e-7)


def sized(height: int, width: int) -> list[torch.Tensor]:
    """Two pictures with edges and shades, (1, 1, height, width) each."""
    torch.manual_seed(3)
    coarse = 0.2 + 0.6 * torch.rand(2, 1, 1, height // 16, width // 16)
    return [functional.interpolate(one, size=(height, width), mode="bicubic").clamp(0.0, 1.0) for one in coarse]


def test_below_the_limit_it_looks_at_the_whole_size_and_from_it_on_at_half() -> None:
    torch.manual_seed(0)
    net = LiteNet().eval()
    for size, halved in (((1184, 1008), False), ((1200, 1008), True)):
        net.halved, pair = None, sized(*size)
        with torch.inference_mode():
            found = net(*pair)
            net.halved = halved
            assert torch.equal(net(*pair), found)


def test_a_large_picture_brought_to_half_its_size_is_that_of_both_sources_in_half_theirs() -> None:
    net, pair = load_checkpoint(checkpoint_path("lite")).core.eval(), sized(1200, 1008)
    assert isinstance(net, LiteNet)
    net.halved = True
    with torch.inference_mode():
        found = functional.avg_pool2d(net(*pair), 2)
        net.halved = False
        wanted = net(*(functional.avg_pool2d(image, 2) for image in pair))
    assert (found - wanted).square().mean().sqrt() < 0.5 / 255
    assert (found - wanted).abs().max() < 8 / 255


def test_in_half_the_size_it_keeps_the_detail_of_the_full_size() -> None:
    net, visible, infrared = undecided(), *(0.4 + 0.2 * torch.rand(2, 1, 1, 32, 48))
    net.scene, net.halved = Scene(LIT, 0.1, (0.5, 0.5)), True
    low = [
        functional.interpolate(functional.avg_pool2d(image, 16), scale_factor=16, mode="bilinear")
        for image in (visible, infrared)
    ]
    expected = (low[0] + low[1]) / 2 + (visible - low[0]) + (infrared - low[1])
    torch.testing.assert_close(net(visible, infrared), expected)


def test_it_keeps_the_shape_of_its_input() -> None:
    assert LiteNet()(*torch.rand(2, 3, 1, 40, 56)).shape == (3, 1, 40, 56)


def test_a_bright_scene_gets_more_contrast_about_the_mean_level_of_each_camera() -> None:
    """Half of both sources' contrast as the mean of them, and a quarter more of each."""
    net = undecided()
    net.get_parameter("head.bias").data[CONTRASTS] = 0.0
    halves = torch.tensor([0.55, 0.75]).repeat_interleave(32).expand(1, 1, 32, 64)
    level = torch.full_like(halves, 0.7)
    fused = net(halves, level)
    assert fused[..., :16].mean().item() == pytest.approx((0.55 + 0.7) / 2 - 0.1 / 4, abs=1e-3)
    assert fused[..., -16:].mean().item() == pytest.approx((0.75 + 0.7) / 2 + 0.1 / 4, abs=1e-3)


def test_contrast_fades_out_before_white_and_is_not_cut_off() -> None:
    net = undecided()
    net.get_parameter("head.bias").data[CONTRASTS] = 8.0
    steps = torch.linspace(0.3, 1.0, 16).repeat_interleave(8).expand(1, 1, 16, 128).contiguous()
    fused = net(steps, steps)[0, 0, 8, 4::8]
    assert (fused.diff() > 0.5 / 255).all()


def earlier(planes: int, stretches: int) -> dict[str, Tensor]:
    """Weights of an earlier release: planes for every pixel, and a convolution of its own for the stretch."""
    torch.manual_seed(0)
    older = {name: tensor for name, tensor in LiteNet().state_dict().items() if not name.startswith("head.")}
    older |= {"head.weight": torch.randn(16 * planes, 48, 3, 3), "head.bias": torch.randn(16 * planes)}
    if stretches:
        older |= {"stretch.weight": torch.randn(stretches, 48, 4, 4), "stretch.bias": torch.randn(stretches)}
    return older


@pytest.mark.parametrize(("planes", "stretches"), [(4, 0), (3, 1), (3, 3)])
def test_weights_of_earlier_releases_are_taken_over(planes: int, stretches: int) -> None:
    """The share and the gains are the means over 8x8 pixels of those for every pixel; a fourth plane was a stretch."""
    older, fresh = earlier(planes, stretches), LiteNet()
    fresh.load_state_dict(dict(upgrade(older)))
    features = torch.randn(1, 48, 12, 16)
    head = functional.conv2d(features, older["head.weight"], older["head.bias"], padding=1)
    means = functional.avg_pool2d(functional.pixel_shuffle(head, 4), 8)
    found = fresh.head(features)
    torch.testing.assert_close(found[:, 1:4], means[:, :3])
    if stretches:
        wanted = functional.conv2d(features, older["stretch.weight"], older["stretch.bias"], stride=2, padding=1)
    else:
        wanted = 0.5 * means[:, 3:]
    torch.testing.assert_close(found[:, :1], wanted[:, :1])
    if stretches == 3:
        torch.testing.assert_close(found[:, CONTRASTS], wanted[:, 1:])
    else:
        assert (found[:, CONTRASTS] == NO_CONTRAST).all()


def test_weights_of_today_are_loaded_as_they_are() -> None:
    state = LiteNet().state_dict()
    assert upgrade(state) is state
