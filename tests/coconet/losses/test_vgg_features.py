from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from coconet.errors import CoconetError
from coconet.losses.vgg_features import Vgg19Features, frozen_features, imagenet_features

WIDTHS = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256), 14: (256, 256)}
WIDTHS |= {16: (256, 256), 19: (512, 256), 21: (512, 512), 23: (512, 512), 25: (512, 512), 28: (512, 512)}
"""torchvision's convolutions of VGG-19 up to conv5_1, by index in `features`."""


@pytest.fixture(scope="module")
def torchvision_like() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    state = {f"classifier.{index}.bias": torch.zeros(1) for index in (0, 3, 6)}
    for index, (outputs, inputs) in WIDTHS.items():
        spread = (2 / (9 * inputs)) ** 0.5
        state[f"features.{index}.weight"] = spread * torch.randn(outputs, inputs, 3, 3, generator=draw)
        state[f"features.{index}.bias"] = 0.1 * torch.randn(outputs, generator=draw)
    return state


def test_the_taps_are_those_of_a_colour_vgg_whose_planes_get_their_share_of_the_luma(
    torchvision_like: dict[str, Tensor],
) -> None:
    ours = Vgg19Features()
    ours.load_state_dict(imagenet_features(torchvision_like))
    gray = torch.rand(2, 1, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    picture, wanted = gray * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1), []
    for index, following in zip(WIDTHS, [*list(WIDTHS)[1:], None], strict=True):
        weight, bias = (torchvision_like[f"features.{index}.{part}"] for part in ("weight", "bias"))
        picture = functional.relu(functional.conv2d(picture, weight, bias, padding=1))
        wanted += [picture] * (index in (0, 5, 10, 19, 28))
        if following is not None and following - index == 3:
            picture = functional.max_pool2d(picture, 2)
    for tap, expected in zip(ours(gray), wanted, strict=True):
        torch.testing.assert_close(tap, expected, atol=1e-4, rtol=1e-4)


def test_named_weights_are_loaded_frozen(torchvision_like: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(torchvision_like, tmp_path / "vgg19.pth")
    features, note = frozen_features(tmp_path / "vgg19.pth")
    assert note == "contrastive loss on the features of vgg19.pth"
    torch.testing.assert_close(features.state_dict()["features.28.bias"], torchvision_like["features.28.bias"])
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_the_substitute_is_announced_always_the_same_and_leaves_other_draws_alone() -> None:
    torch.manual_seed(5)
    (first, note), (second, _) = frozen_features(None), frozen_features(None)
    assert note == "no ImageNet weights for the contrastive loss: random VGG-19 features stand in for them"
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in first.parameters())


def test_the_signal_of_the_substitute_survives_all_depths() -> None:
    features, _ = frozen_features(None)
    spreads = [tap.std().item() for tap in features(torch.rand(1, 1, 64, 64) * 2 - 1)]
    assert min(spreads) > 0.2
    assert max(spreads) < 20


def test_a_file_without_a_layer_is_refused(torchvision_like: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({name: x for name, x in torchvision_like.items() if "28" not in name}, tmp_path / "vgg16.pth")
    with pytest.raises(CoconetError, match=r"VGG-19 weights of torchvision: features.28.weight is missing"):
        frozen_features(tmp_path / "vgg16.pth")


def test_a_file_with_other_widths_is_refused(torchvision_like: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({**torchvision_like, "features.21.bias": torch.zeros(3)}, tmp_path / "vgg19.pth")
    with pytest.raises(CoconetError, match="its tensors have other shapes"):
        frozen_features(tmp_path / "vgg19.pth")
