from __future__ import annotations

import pytest
import torch

from coconet.networks.lite import LiteNet
from coconet.training.fake_quant import LEVELS, round_as_int8, rounded


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_value_lands_on_the_nearest_of_127_levels_a_side(dtype: torch.dtype) -> None:
    x = torch.linspace(-3.0, 2.0, 1001).to(dtype)
    step = 3.0 / LEVELS
    error = rounded(x).float() - x.float()
    assert error.abs().max() <= step / 2 + torch.finfo(dtype).eps * 3
    assert rounded(torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    if dtype == torch.float32:
        assert len(rounded(x).unique()) <= 2 * LEVELS + 1


def test_the_gradient_passes_as_if_nothing_had_been_rounded() -> None:
    x = torch.tensor([0.1, 0.26, -1.0], requires_grad=True)
    (rounded(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_network_is_rounded_in_training_and_as_it_was_in_use() -> None:
    torch.manual_seed(0)
    core = LiteNet()
    sides = torch.rand(2, 1, 1, 32, 32)
    in_use, in_training = core.eval()(*sides), core.train()(*sides)
    round_as_int8(core)
    assert 0 < (core(*sides) - in_training).abs().max() < 0.05
    assert torch.equal(core.eval()(*sides), in_use)
