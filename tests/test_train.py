from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from coconet import checkpoint
from coconet.data import GrayPair
from coconet.errors import CoconetError
from coconet.network import CoCoNet, Normalization
from coconet.train import Recipe, Trainer, fuse, prepare_encoder, schedule

RECIPE = Recipe(network="lite", steps=6, batch=2, patch=64, learning_rate=1e-3)


@pytest.fixture(scope="module")
def pairs() -> list[GrayPair]:
    y, x = np.mgrid[:96, :96]
    visible = (127 + 100 * np.sin(x / 5.0)).astype(np.uint8)
    infrared = np.where((x - 48) ** 2 + (y - 48) ** 2 < 300, 230, 40).astype(np.uint8)
    return [GrayPair(visible, infrared)]


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path, pairs: list[GrayPair]) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()

    class PowerCutError(Exception):
        pass

    def stop_at_3(step: int, loss: float) -> None:
        if step == 3:
            raise PowerCutError

    trainer = Trainer(RECIPE, pairs, broken)
    with pytest.raises(PowerCutError):
        trainer.run(stop_at_3)
    resumed = Trainer(RECIPE, pairs, broken)
    assert resumed.step == 3
    torch.testing.assert_close(
        checkpoint.load_checkpoint(resumed.run()).core.state_dict(),
        checkpoint.load_checkpoint(Trainer(RECIPE, pairs, whole).run()).core.state_dict(),
        atol=0.0,
        rtol=0.0,
    )


def test_training_lowers_the_loss(tmp_path: Path, pairs: list[GrayPair]) -> None:
    losses: list[float] = []
    Trainer(RECIPE.model_copy(update={"steps": 60}), pairs, tmp_path).run(lambda step, loss: losses.append(loss))
    assert np.mean(losses[-10:]) < 0.95 * np.mean(losses[:10])
    assert (tmp_path / "log.csv").read_text().startswith("step,total,structure,intensity,edge,correlation")


def test_a_run_is_not_resumed_with_another_recipe(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(RECIPE.model_copy(update={"steps": 1}), pairs, tmp_path).run()
    with pytest.raises(CoconetError, match=r"state\.pt: wanted a run begun with the same recipe"):
        Trainer(RECIPE.model_copy(update={"seed": 1}), pairs, tmp_path)


def test_a_finished_run_can_be_prolonged(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(RECIPE.model_copy(update={"steps": 1}), pairs, tmp_path).run()
    assert Trainer(RECIPE.model_copy(update={"steps": 2}), pairs, tmp_path).step == 1


def test_coconet_without_imagenet_weights_says_so_and_trains_its_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.train.find_imagenet_file", lambda: None)
    core = CoCoNet()
    assert "no ImageNet weights" in prepare_encoder(core, None)
    assert core.vgg19.slice1[0].weight.requires_grad
    assert not core.se_64.gamma.requires_grad


def test_coconet_with_imagenet_weights_freezes_them(tmp_path: Path) -> None:
    sizes = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256,) * 2, 14: (256,) * 2}
    sizes[16] = (256, 256)
    tensors = {f"features.{i}.weight": torch.ones(*size, 3, 3) for i, size in sizes.items()}
    tensors |= {f"features.{i}.bias": torch.ones(size[0]) for i, size in sizes.items()}
    torch.save(tensors, tmp_path / "vgg19.pth")
    core = CoCoNet()
    assert prepare_encoder(core, tmp_path / "vgg19.pth") == "encoder from vgg19.pth, frozen"
    assert core.vgg19.slice1[0].weight.mean().item() == pytest.approx(1.0)
    assert not any(p.requires_grad for p in core.vgg19.parameters())


def test_an_encoder_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"layer1": torch.zeros(1)}, tmp_path / "resnet.pth")
    with pytest.raises(CoconetError, match="VGG-19 weights as torchvision saves them"):
        prepare_encoder(CoCoNet(), tmp_path / "resnet.pth")


def test_the_last_stretch_of_coconet_sees_its_stored_statistics(tmp_path: Path, pairs: list[GrayPair]) -> None:
    trainer = Trainer(Recipe(network="coconet", steps=5, batch=1, patch=64), pairs, tmp_path)
    trainer.step = 4
    trainer.run()
    assert not any(layer.training for layer in trainer.core.modules() if isinstance(layer, Normalization))


def test_a_core_is_driven_in_its_own_ranges() -> None:
    core, signature = checkpoint.build_network("coconet")
    core.eval()
    image = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        wanted = (core(image * 2 - 1, image * 2 - 1) + 1) / 2
        torch.testing.assert_close(fuse(core, signature, image, image), wanted, atol=0.02, rtol=0.02)


def test_the_learning_rate_warms_up_and_ends_at_one_percent() -> None:
    assert [schedule(0, 1000), schedule(99, 1000)] == pytest.approx([0.01, 1.0])
    assert schedule(1000, 1000) == pytest.approx(0.01)
