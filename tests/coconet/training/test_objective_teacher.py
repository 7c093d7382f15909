from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from coconet.files import sha256_of
from coconet.networks.checkpoint import network_named, save_checkpoint
from coconet.training.objective import Teacher, distillation_loss


def test_a_teacher_answers_with_the_picture_of_its_weights_clipped_and_without_gradient(tmp_path: Path) -> None:
    core = network_named("lite").build()
    nn.init.constant_(core.get_submodule("head").get_parameter("bias"), 3.0)
    save_checkpoint(tmp_path / "lite.safetensors", "lite", core)
    teacher = Teacher(tmp_path / "lite.safetensors", torch.device("cpu"))
    visible, infrared = torch.rand(2, 3, 1, 32, 32)
    picture = teacher.picture(visible, infrared)
    assert not picture.requires_grad
    torch.testing.assert_close(picture, core.eval()(visible, infrared).detach().clamp(0, 1), atol=0.02, rtol=0.02)
    assert 0.0 <= picture.min() <= picture.max() <= 1.0
    assert teacher.sha256 == sha256_of(tmp_path / "lite.safetensors")


def test_the_distance_is_that_of_the_pixels_and_of_their_sobel_gradients() -> None:
    fused, wanted = torch.rand(2, 1, 1, 20, 24, generator=torch.Generator().manual_seed(0))
    difference = (fused - wanted)[0, 0].double().numpy()
    gradients = [ndimage.sobel(difference, axis, mode="nearest") for axis in (0, 1)]
    expected = sum(np.abs(part).mean() for part in (difference, *gradients))
    assert distillation_loss(fused, wanted).item() == pytest.approx(expected, rel=1e-5)
    assert distillation_loss(wanted, wanted).item() == 0.0
