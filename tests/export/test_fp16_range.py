"""Finite answers: NaN and infinity are found before bytes hide them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.cards.precision import REFERENCE, PrecisionName
from coconet.errors import CoconetError
from coconet.export.fp16_range import require_finite
from coconet.networks.camera_ready import Fuser
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs

PAIRS = synthetic_pairs(2, 32, 40)


class Powers(nn.Module):
    """Values that outgrow half precision on the way, and come back."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return (visible + infrared + 0.5) * 1e6 / 2e6


class Root(nn.Module):
    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return torch.sqrt(visible - infrared - 2)


class Constant(nn.Module):
    """Keeps a tensor in single precision, which `.half()` does not know of."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return nn.functional.conv2d(visible + infrared, torch.ones(1, 1, 1, 1))


def fuser(core: nn.Module, precision: PrecisionName = REFERENCE) -> Fuser:
    return Fuser(core, Signature(), precision=precision).eval()


def test_finite_answers_pass_and_leave_no_hook() -> None:
    single = fuser(Powers())
    require_finite(single, PAIRS, "m.onnx")
    assert not single.core._forward_hooks


def test_values_that_outgrow_half_precision_are_found() -> None:
    with pytest.raises(CoconetError, match=r"m.onnx, .* gives NaN or .* 100.00%"):
        require_finite(fuser(Powers(), precision="fp16"), PAIRS, "m.onnx")


def test_nan_in_single_precision_is_found() -> None:
    with pytest.raises(CoconetError, match="gives NaN or infinity .* Check that the weights"):
        require_finite(fuser(Root()), PAIRS, "m.onnx")


def test_a_network_that_mixes_precisions_is_refused() -> None:
    with pytest.raises(CoconetError, match="fails in half precision: .*Export without --half"):
        require_finite(fuser(Constant(), precision="fp16"), PAIRS, "m.onnx")


class Hidden(nn.Module):
    """An infinity that a tanh turns into the end of its range."""

    def __init__(self) -> None:
        super().__init__()
        self.far = nn.Conv2d(1, 1, 1)
        nn.init.constant_(self.far.weight, 1e5)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        answer: Tensor = torch.tanh(self.far(visible + infrared + 1))
        return answer


def test_an_infinity_that_a_later_layer_hides_is_found_with_its_layer_and_its_weight() -> None:
    said = "NaN or infinity inside the network, hidden by what follows; first from far; far.weight not within its range"
    with pytest.raises(CoconetError, match=said):
        require_finite(fuser(Hidden(), precision="fp16"), PAIRS, "m.onnx")
