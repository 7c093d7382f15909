from __future__ import annotations

import pytest
import torch
from torch import Tensor

from coconet.networks.selection import OF_BANDS, OF_DETAIL, Selection, average_around


def stripes(contrast: float) -> Tensor:
    return contrast * torch.tensor([-1.0, 1.0]).repeat(1, 1, 16, 8)


def levels(first: float, second: float, like: Tensor) -> Tensor:
    return torch.tensor([first, second]).reshape(1, 2, 1, 1).expand(like.shape)


@pytest.mark.parametrize("selection", [OF_DETAIL, OF_BANDS])
@pytest.mark.parametrize("strong", [0, 1])
def test_what_shows_more_is_selected_whatever_its_level(selection: Selection, strong: int) -> None:
    sides = [stripes(0.01), stripes(0.01)]
    sides[strong] = stripes(0.3)
    structures = torch.cat(sides, dim=1)
    bands = levels(0.3, 0.7, structures)
    torch.testing.assert_close(selection(bands, structures), bands[:, [strong]], atol=4e-3, rtol=0)


def test_two_that_show_alike_are_averaged() -> None:
    structures = torch.cat((stripes(0.1), stripes(-0.1)), dim=1)
    torch.testing.assert_close(OF_DETAIL(levels(0.3, 0.7, structures), structures), torch.full((1, 1, 16, 16), 0.5))


def test_the_share_is_a_power_of_the_ratio_of_what_they_show() -> None:
    strong, weak = 0.2, 0.1
    structures = torch.cat((stripes(strong), stripes(weak)), dim=1)
    ratio = ((strong + OF_DETAIL.hardly_any) / (weak + OF_DETAIL.hardly_any)) ** OF_DETAIL.power
    torch.testing.assert_close(
        OF_DETAIL(levels(1.0, 0.0, structures), structures), torch.full((1, 1, 16, 16), ratio / (1.0 + ratio))
    )


def test_sources_of_faint_noise_alone_are_averaged_and_not_selected() -> None:
    noise = 0.5 / 255.0 * torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    assert (OF_DETAIL(levels(0.0, 1.0, noise), noise) - 0.5).abs().max() < 0.25


def test_half_precision_selects_alike() -> None:
    structures = torch.cat((stripes(4.0 / 255.0), stripes(1.0 / 255.0)), dim=1)
    bands = levels(1.0, 0.0, structures)
    torch.testing.assert_close(
        OF_DETAIL(bands.half(), structures.half()).float(), OF_DETAIL(bands, structures), atol=0.01, rtol=0
    )


def test_an_average_at_the_rim_is_of_what_there_is() -> None:
    torch.testing.assert_close(average_around(torch.ones(1, 1, 4, 4), 3), torch.ones(1, 1, 4, 4))
