"""Published networks are trained like ours: every one of them learns, and what it has learnt is loaded again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from coconet.networks.checkpoint import load_checkpoint, network_named
from coconet.training.data import GrayPair
from coconet.training.recipe import TrainingPlan
from coconet.training.trainer import Trainer
from tests.support.weights.zoo import PUBLISHED, published

HEAVY = ("smoa", "swinfusion", "rfn-nest")
"""A step on the least patch takes many seconds: with COCONET_ZOO=all. Without it, a gradient on a smaller one."""
needs_minutes = pytest.mark.skipif(os.environ.get("COCONET_ZOO") != "all", reason="takes minutes: set COCONET_ZOO=all")
each = pytest.mark.parametrize(
    "name",
    [pytest.param(one.name, marks=[pytest.mark.slow, needs_minutes] * (one.name in HEAVY)) for one in PUBLISHED],
)


def pair() -> GrayPair:
    y, x = np.mgrid[:64, :64]
    visible, infrared = 127 + 90 * np.sin(x / 4.0), np.where(y > 40, 220, 30)
    return GrayPair(visible.astype(np.uint8), infrared.astype(np.uint8))


def trainer(folder: Path, name: str, start: Path | None = None) -> Trainer:
    plan = TrainingPlan(network=name, steps=1, batch=1, patch=64, data=[folder], out=folder, start=start)
    return Trainer(plan, [pair()])


@each
def test_every_weight_learns_and_is_loaded_again(tmp_path: Path, name: str) -> None:
    training = trainer(tmp_path, name)
    before = {key: weight.clone() for key, weight in training.core.named_parameters()}
    loaded = load_checkpoint(training.run())
    after = dict(loaded.core.named_parameters())
    assert [key for key, weight in before.items() if torch.equal(weight, after[key])] == []
    assert (loaded.network, loaded.signature) == (name, network_named(name).signature)


@pytest.mark.parametrize("name", HEAVY)
def test_every_weight_of_a_heavy_network_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    core = network_named(name).build()
    visible, infrared = torch.rand(2, 1, 1, 16, 16)
    core(visible, infrared).square().mean().backward()
    still = [key for key, weight in core.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_the_authors_weights_are_a_start(tmp_path: Path) -> None:
    file = published("densefuse").write(tmp_path)[0]
    core = trainer(tmp_path, "densefuse", file).core
    torch.testing.assert_close(core.state_dict(), load_checkpoint(file).core.state_dict(), atol=0, rtol=0)


def test_at_the_end_batch_norms_keep_their_statistics(tmp_path: Path) -> None:
    training = trainer(tmp_path, "tardal", published("tardal").write(tmp_path)[0])
    stored = statistics_of(training)
    training.run()
    torch.testing.assert_close(statistics_of(training), stored, atol=0, rtol=0)


def statistics_of(training: Trainer) -> list[torch.Tensor]:
    layers = [layer for layer in training.core.modules() if isinstance(layer, nn.BatchNorm2d)]
    return [layer.running_var.clone() for layer in layers if layer.running_var is not None]
