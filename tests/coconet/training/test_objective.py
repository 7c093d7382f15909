from __future__ import annotations

from pathlib import Path

import pytest
import torch

from coconet.losses import adaptive, fidelity
from coconet.losses.contrastive import contrastive_loss
from coconet.networks.checkpoint import network_named, save_checkpoint
from coconet.training.crops import Crops
from coconet.training.objective import Objective, day_loss, distillation_loss, expose_alike
from coconet.training.recipe import Recipe, TrainingPlan

CPU = torch.device("cpu")


@pytest.fixture
def crops() -> Crops:
    visible, infrared = torch.rand(2, 2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    return Crops(visible, infrared, (infrared > 0.8).float(), visible, infrared)


def plan(folder: Path, **fields: object) -> TrainingPlan:
    return TrainingPlan.model_validate({"data": [], "out": folder, **fields})


def test_the_first_stage_has_eight_terms_each_with_its_weight(crops: Crops) -> None:
    recipe = Recipe(
        structure=2.0, intensity=3.0, edge=4.0, edge_transfer=8.0, correlation=5.0, exposure=6.0, information=7.0
    )
    fused = torch.rand(2, 1, 64, 64) * 1.4 - 0.2
    sources = (fused, crops.visible, crops.infrared)
    beyond = (fused.clamp(0, 1) - fused).abs().mean()
    wanted = {
        "structure": 2 * adaptive.structure_term(*sources, 0.5),
        "intensity": 3 * adaptive.intensity_term(*sources, 0.75),
        "edge": 4 * fidelity.edge_loss(*sources),
        "edge_transfer": 8 * fidelity.edge_transfer_loss(*sources),
        "correlation": 5 * fidelity.correlation_loss(*sources),
        "exposure": 6 * fidelity.exposure_loss(*sources),
        "information": 7 * fidelity.information_loss(*sources),
        "range": 10 * beyond,
    }
    terms = Objective(recipe).terms(fused, crops)
    assert list(terms) == list(wanted)
    torch.testing.assert_close(terms, wanted)


def test_pictures_may_be_judged_in_whole_levels_and_by_their_entropy(crops: Crops) -> None:
    fused = torch.rand(2, 1, 64, 64, requires_grad=True)
    judged = Objective(Recipe(levels=True, entropy=2.0)).terms(fused, crops)
    wanted = Objective(Recipe()).terms((255 * fused).round() / 255, crops)
    wanted["entropy"] = 2 * fidelity.entropy_loss((255 * fused).round() / 255)
    torch.testing.assert_close({name: judged[name] for name in wanted}, wanted)
    judged["information"].backward()
    assert fused.grad is not None
    assert fused.grad.abs().max() > 0.0


def test_the_second_stage_adds_the_contrastive_loss_and_says_what_stands_in(
    tmp_path: Path, crops: Crops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.training.objective.find_imagenet_file", lambda: None)
    objective = Objective.of(plan(tmp_path, contrast=0.5), CPU)
    assert objective.notes == (
        "no ImageNet weights for the contrastive loss: random VGG-19 features stand in for them",
    )
    terms = objective.terms(crops.visible, crops)
    assert objective.features is not None
    wanted = contrastive_loss(objective.features, crops.visible, crops.visible, crops.infrared, crops.mask)
    assert terms["contrast"].item() == pytest.approx(0.5 * wanted.item(), rel=0.02)


def test_a_teacher_adds_the_distance_to_its_picture(tmp_path: Path, crops: Crops) -> None:
    save_checkpoint(tmp_path / "lite.safetensors", "lite", network_named("lite").build())
    objective = Objective.of(plan(tmp_path, teacher=tmp_path / "lite.safetensors", distillation=2.0), CPU)
    assert objective.notes[0].startswith("teacher lite, weights ")
    assert objective.teacher is not None
    picture = objective.teacher.picture(crops.visible, crops.infrared)
    terms = objective.terms(crops.visible, crops)
    torch.testing.assert_close(terms["distillation"], 2.0 * distillation_loss(crops.visible, picture))
    assert terms["day_teacher"] == 0.0


def of_level(visible: float, infrared: float) -> Crops:
    sides = (torch.full((1, 1, 64, 64), level) for level in (visible, infrared, 0.0, visible, infrared))
    return Crops(*sides)


@pytest.mark.parametrize(
    ("visible", "infrared", "counts"), [(0.6, 0.1, 1.0), (0.1, 0.6, 1.0), (0.3, 0.3, 0.0), (0.39, 0.2, 0.5)]
)
def test_the_teacher_of_the_day_is_followed_in_level_where_a_scene_is_bright(
    visible: float, infrared: float, counts: float
) -> None:
    crops = of_level(visible, infrared)
    wanted = crops.visible + 0.1
    assert day_loss(crops.visible, wanted, crops).item() == pytest.approx(0.1 * counts, abs=1e-6)
    detail = 0.2 * torch.tensor([-1.0, 1.0]).repeat(1, 1, 64, 32)
    assert day_loss(wanted + detail, wanted, crops).item() == pytest.approx(0.0, abs=1e-6)


def test_a_dark_crop_is_judged_as_if_it_had_been_exposed_well() -> None:
    dark = torch.full((1, 1, 64, 64), 0.1)
    fused, visible, infrared = expose_alike((0.5 * dark, dark, 0.2 * dark), 1.0)
    assert [side.mean().item() for side in (fused, visible, infrared)] == pytest.approx([0.25, 0.5, 0.1])
    assert expose_alike((dark, dark, dark), 0.5)[0].mean().item() == pytest.approx(0.1 * 5**0.5)
    assert expose_alike((dark, dark, dark), 0.0)[0].mean().item() == pytest.approx(0.1)


def test_a_bright_crop_stays_and_a_black_one_is_not_blown_up() -> None:
    bright, black = torch.full((1, 1, 64, 64), 0.7), torch.full((1, 1, 64, 64), 0.004)
    assert expose_alike((bright, bright, black), 1.0)[2].mean().item() == pytest.approx(0.004)
    assert expose_alike((black, black, black), 1.0)[0].mean().item() == pytest.approx(0.032)


def test_a_plan_of_the_first_stage_loads_nothing(tmp_path: Path) -> None:
    objective = Objective.of(plan(tmp_path), CPU)
    assert (objective.features, objective.teacher, objective.notes) == (None, None, ())
