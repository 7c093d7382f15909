from __future__ import annotations

from pathlib import Path

import pytest
import torch

from coconet.networks.layers.vgg import IMAGENET_LAYERS, GrayVgg19, find_imagenet_file, imagenet_encoder


def torchvision_like() -> dict[str, torch.Tensor]:
    plan = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
    plan[16] = (256, 256)
    tensors = {}
    for index, (inputs, outputs) in plan.items():
        tensors[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3)
        tensors[f"features.{index}.bias"] = torch.randn(outputs)
    return tensors


def test_imagenet_weights_fill_every_tensor_of_the_encoder() -> None:
    source = torchvision_like()
    encoder = GrayVgg19()
    encoder.load_state_dict(imagenet_encoder(source))
    torch.testing.assert_close(encoder.state_dict()["slice3.17.weight"], source["features.16.weight"])
    assert len(encoder.state_dict()) == 2 * len(IMAGENET_LAYERS)


def test_the_first_kernel_becomes_the_luma_of_its_colour_planes() -> None:
    source = torchvision_like()
    red, green, blue = source["features.0.weight"].unbind(1)
    gray = imagenet_encoder(source)["slice1.0.weight"][:, 0]
    torch.testing.assert_close(gray, 0.299 * red + 0.587 * green + 0.114 * blue)


def test_a_file_without_a_layer_is_refused() -> None:
    source = torchvision_like()
    del source["features.12.bias"]
    with pytest.raises(KeyError, match="features.12.bias"):
        imagenet_encoder(source)


def test_features_come_at_a_half_a_quarter_and_an_eighth() -> None:
    shapes = [tuple(tap.shape) for tap in GrayVgg19()(torch.rand(2, 1, 32, 48))]
    assert shapes == [(2, 64, 16, 24), (2, 128, 8, 12), (2, 256, 4, 6)]


def test_torchvisions_cache_is_looked_into_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert find_imagenet_file() is None
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth").touch()
    assert find_imagenet_file() == tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth"
