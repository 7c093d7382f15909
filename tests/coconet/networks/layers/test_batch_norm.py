"""BatchNorm as scale and shift: the same answer, folded or not, and within half precision where its variance is not."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.networks.camera_ready import BareFuser
from coconet.networks.layers.batch_norm import ScaleShift, settle_batch_norms


class Joined(nn.Module):
    """A network whose BatchNorm has a variance above the largest half-precision number."""

    def __init__(self, *, bias: bool = True, affine: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1, bias=bias), nn.BatchNorm2d(8, affine=affine), nn.ReLU()
        )
        self.alone = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 1, 1)
        torch.manual_seed(0)
        for layer in (self.layers[1], self.alone):
            assert isinstance(layer, nn.BatchNorm2d)
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 2e5, 3e5)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        answer: Tensor = self.last(self.alone(500 * self.layers(500 * torch.cat((visible, infrared), dim=1))))
        return torch.tanh(answer)


def images() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(1, 1, 12, 14), torch.rand(1, 1, 12, 14)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("fold", [True, False])
def test_the_answer_stays_and_what_stands_in_a_row_is_folded(bias: bool, affine: bool, fold: bool) -> None:
    network = Joined(bias=bias, affine=affine).eval()
    settled = copy.deepcopy(network)
    assert settle_batch_norms(settled, fold=fold) == fold
    assert isinstance(settled.layers[1], nn.Identity if fold else ScaleShift)
    assert isinstance(settled.alone, ScaleShift)
    torch.testing.assert_close(settled(*images()), network(*images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fold", [True, False])
def test_variances_that_half_precision_cannot_hold_do_no_harm(fold: bool) -> None:
    network = Joined().eval()
    half = BareFuser(copy.deepcopy(network), Signature(), "fp16", fold=fold).eval()
    torch.testing.assert_close(half(*images()), network(*images()), rtol=0.02, atol=0.02)
    variance = network.half().alone.running_var
    assert variance is not None
    assert variance.isinf().all()  # which is what they would have become


def test_statistics_of_the_picture_at_hand_stay_as_they_are() -> None:
    network = nn.Sequential(nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8, track_running_stats=False)).eval()
    assert settle_batch_norms(network, fold=True) == 0
    assert isinstance(network[1], nn.BatchNorm2d)
