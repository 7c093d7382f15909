"""Colours of fused pictures: they keep hue and saturation as the luma moves, and gray and noise stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.media.luma_weights import BGR_WEIGHTS
from coconet.metrics.colour import score_colour
from coconet.networks.camera_ready import Fuser

MULTIPLES = [1, 2, 8, 16]


class Infrared(nn.Module):
    """Gives back the infrared image."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return infrared


def fuse(visible: Tensor, luma: Tensor, multiple: int = 8) -> Tensor:
    """Give (1, H, W, 3) the fused luma (1, H, W, 1), uint8."""
    fused: Tensor = Fuser(Infrared(), Signature(side_multiple=multiple), visible.shape[3])(visible, luma)
    return fused


def luma_of(picture: Tensor) -> Tensor:
    return (picture.float() * torch.tensor(BGR_WEIGHTS)).sum(-1, keepdim=True)


def noise(least: int, most: int, channels: int = 3, size: tuple[int, int] = (45, 61)) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(least, most, (1, *size, channels), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("multiple", MULTIPLES)
@pytest.mark.parametrize("times", [0.5, 2.0])
@pytest.mark.parametrize("colour", [(120, 90, 70), (60, 80, 110), (70, 110, 60)])
def test_a_colour_keeps_hue_and_saturation_as_its_luma_halves_or_doubles(
    colour: tuple[int, int, int], times: float, multiple: int
) -> None:
    seen = torch.tensor(colour, dtype=torch.uint8).expand(1, 45, 61, 3)
    luma = (luma_of(seen) * times).round().to(torch.uint8)
    pixels = [image[0].numpy() for image in (fuse(seen, luma, multiple), seen, luma)]
    scores = score_colour(pixels[0], pixels[1], pixels[2])
    assert scores.hue_deg < 3
    assert scores.washed_out == scores.overdone == 0
    # With the chroma of the visible picture, channels would be apart by what they were.
    apart, before = (float(np.ptp(image[20, 20].astype(float))) for image in pixels[:2])
    assert apart < 0.6 * before if times < 1 else apart > 1.6 * before


@pytest.mark.parametrize("multiple", MULTIPLES)
def test_gray_in_three_channels_is_what_gray_in_one_is_to_the_bit(multiple: int) -> None:
    seen, luma = noise(0, 256, 1), noise(0, 256, 1).flip(1)
    fused = fuse(seen.repeat(1, 1, 1, 3), luma, multiple)
    assert torch.equal(fused, fuse(seen, luma, multiple).repeat(1, 1, 1, 3))
    assert torch.equal(fused[..., :1], luma)


@pytest.mark.parametrize("multiple", MULTIPLES)
@pytest.mark.parametrize("level", [10, 60, 250])
def test_noise_of_colours_in_the_dark_is_not_raised_by_what_is_bright_in_infrared(level: int, multiple: int) -> None:
    seen = noise(0, 9)
    fused = fuse(seen, torch.full((1, 45, 61, 1), level, dtype=torch.uint8), multiple).float()
    spread, before = ((image - luma_of(image)).square().mean().sqrt() for image in (fused, seen.float()))
    assert spread < 1.1 * before


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(9, 40),
    width=st.integers(9, 40),
    multiple=st.sampled_from(MULTIPLES),
    ends=st.sampled_from([(0, 256), (60, 130), (0, 30)]),
)
def test_the_luma_of_what_is_not_clipped_is_the_fused_one(
    height: int, width: int, multiple: int, ends: tuple[int, int]
) -> None:
    seen, luma = noise(*ends, size=(height, width)), noise(0, 256, 1, (height, width))
    fused = fuse(seen, luma, multiple)
    whole = ((fused > 0) & (fused < 255)).all(dim=-1, keepdim=True)
    assert float(((luma_of(fused) - luma).abs() * whole).max()) <= 0.51


def test_an_edge_of_heat_that_the_visible_picture_has_not_moves_its_colours_over_several_pixels() -> None:
    seen = torch.tensor((60, 90, 120), dtype=torch.uint8).expand(1, 48, 48, 3)
    luma = luma_of(seen).round().to(torch.uint8).clone()
    luma[:, :, 24:] //= 2
    fused = fuse(seen, luma).float()
    apart = (fused[0, 20, :, 2] - fused[0, 20, :, 0]).diff().abs()
    assert apart.max() < 6  # of 30 in all: as sharp as the edge it would be a fringe
