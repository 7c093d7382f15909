from __future__ import annotations

from pathlib import Path

import pytest
import torch

from coconet.errors import CoconetError
from coconet.files import sha256_of
from coconet.networks.checkpoint import network_named, save_checkpoint
from coconet.networks.coconet import OURS, CoCoNet, Normalization, prepare_encoder
from coconet.networks.layers.vgg import IMAGENET_LAYERS, GrayVgg19
from coconet.training.initial_weights import fresh_network, start_network


def test_coconet_without_imagenet_weights_says_so_and_trains_its_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.networks.coconet.find_imagenet_file", lambda: None)
    core = CoCoNet()
    assert "no ImageNet weights" in prepare_encoder(core, None)
    assert core.vgg19.slice1[0].weight.requires_grad
    assert not core.se_64.gamma.requires_grad
    assert core.se_64.gated_off


def test_coconet_with_imagenet_weights_freezes_them(tmp_path: Path) -> None:
    ours = {name: tensor for name, tensor in GrayVgg19().state_dict().items() if name.endswith("weight")}
    shapes = {int(name.split(".")[1]): tensor.shape for name, tensor in ours.items()}
    tensors = {f"features.{theirs}.weight": torch.ones(shapes[i]) for i, theirs in IMAGENET_LAYERS.items()}
    tensors |= {f"features.{theirs}.bias": torch.ones(shapes[i][0]) for i, theirs in IMAGENET_LAYERS.items()}
    tensors["features.0.weight"] = torch.ones(64, 3, 3, 3)
    torch.save(tensors, tmp_path / "vgg19.pth")
    initial = fresh_network("coconet", tmp_path / "vgg19.pth")
    assert initial.note == "encoder from vgg19.pth, frozen"
    encoder = initial.core.get_submodule("vgg19")
    assert all(p.mean().item() == pytest.approx(1.0) and not p.requires_grad for p in encoder.parameters())


def test_an_encoder_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"layer1": torch.zeros(1)}, tmp_path / "resnet.pth")
    with pytest.raises(CoconetError, match="VGG-19 weights of torchvision: features.0.weight is missing"):
        fresh_network("coconet", tmp_path / "resnet.pth")


def test_a_network_without_an_encoder_says_so() -> None:
    assert fresh_network("lite", None).note == "no encoder in this network"


def test_a_start_takes_over_every_weight_and_holds_the_encoder(tmp_path: Path) -> None:
    before = network_named("coconet").build()
    save_checkpoint(tmp_path / "first.safetensors", "coconet", before)
    initial = start_network("coconet", tmp_path / "first.safetensors")
    torch.testing.assert_close(initial.core.state_dict(), before.state_dict(), atol=0, rtol=0)
    held = {name.partition(".")[0] for name, p in initial.core.named_parameters() if not p.requires_grad}
    assert held == {"vgg19", "se_32", "se_64", "se_128", "se_256"}
    assert initial.note == "weights from first.safetensors"
    assert initial.origin == sha256_of(tmp_path / "first.safetensors")


def test_the_published_checkpoint_goes_on_as_a_network_of_ours(tmp_path: Path) -> None:
    published = CoCoNet()
    torch.nn.init.constant_(published.se_64.gamma, 0.3)
    torch.save({"state_dict": published.state_dict()}, tmp_path / "latest.pth")
    initial = start_network("coconet", tmp_path / "latest.pth")
    assert initial.signature == OURS
    assert not any(layer.per_image for layer in initial.core.modules() if isinstance(layer, Normalization))
    assert isinstance(initial.core, CoCoNet)
    assert not initial.core.se_64.gated_off


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "lite.safetensors", "lite", network_named("lite").build())
    with pytest.raises(CoconetError, match="holds weights of lite, not of coconet. Change --network"):
        start_network("coconet", tmp_path / "lite.safetensors")
