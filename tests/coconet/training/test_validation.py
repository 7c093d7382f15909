from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from coconet.media.image import read_picture
from coconet.media.panel import BAND_PX, GAP_PX
from coconet.networks.checkpoint import load_checkpoint, network_named
from coconet.training.data import load_pairs
from coconet.training.recipe import TrainingPlan
from coconet.training.validation import SHEET_COLUMN_PX, SHEET_ROWS, Validation, Validator
from tests.support.media.pair_folders import write_pair

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held_out")
    y, x = np.mgrid[:48, :64]
    for index in range(SHEET_ROWS + 1):
        sides = (127 + 60 * np.sin(x / (2 + index)), np.where((x - 30) ** 2 + (y - 20) ** 2 < 90, 230, 40))
        write_pair(folder, f"scene_{index}.png", *(pixels.astype(np.uint8) for pixels in sides))
    return folder


def validation(held_out: Path, out: Path, step: int = 0, **fields: object) -> Validation:
    plan = TrainingPlan.model_validate({"data": [], "out": out, "validation": held_out, "steps": 25, **fields})
    return Validation(held_out, plan, network_named("lite").signature, step)


def lite(bias: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    core: nn.Module = network_named("lite").build()
    nn.init.constant_(core.get_submodule("head").get_parameter("bias"), bias)
    return core


def test_it_is_due_at_its_interval_and_at_the_end(held_out: Path, tmp_path: Path) -> None:
    taken = validation(held_out, tmp_path, validate_every=10)
    assert [step for step in range(26) if taken.due(step)] == [10, 20, 25]


def test_a_run_that_begins_with_weights_is_also_judged_before_its_first_step(held_out: Path, tmp_path: Path) -> None:
    assert validation(held_out, tmp_path, start=tmp_path / "first.safetensors").due(0)


def test_the_best_weights_are_kept_and_every_judgement_is_a_line(held_out: Path, tmp_path: Path) -> None:
    taken = validation(held_out, tmp_path)
    for step, core in ((10, lite(3.0)), (20, lite()), (25, lite(3.0))):
        taken.take(step, core, CPU)
    with (tmp_path / "validation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["step", "score", "EN", "AG", "SF", "SD", "SCD", "VIF", "MI", "Qabf", "SSIM"]
    scores = [float(row["score"]) for row in rows]
    assert scores[0] == scores[2] < scores[1]
    kept = load_checkpoint(tmp_path / "lite.best.safetensors").core
    torch.testing.assert_close(kept.state_dict(), lite().state_dict(), atol=0, rtol=0)


def test_a_resumed_run_remembers_its_best(held_out: Path, tmp_path: Path) -> None:
    validation(held_out, tmp_path).take(10, lite(), CPU)
    resumed = validation(held_out, tmp_path, step=10)
    assert not resumed.due(10)
    resumed.take(20, lite(3.0), CPU)
    kept = load_checkpoint(tmp_path / "lite.best.safetensors").core
    torch.testing.assert_close(kept.state_dict(), lite().state_dict(), atol=0, rtol=0)


def test_the_sheet_shows_some_scenes_spread_over_the_set(held_out: Path, tmp_path: Path) -> None:
    validation(held_out, tmp_path).take(10, lite(), CPU)
    sheet = read_picture(tmp_path / "validation.png")
    rows = 5  # every second one of nine
    assert sheet.shape == (rows * (BAND_PX + 48), 3 * SHEET_COLUMN_PX + 2 * GAP_PX, 1)
    infrared = read_picture(held_out / "ir" / "scene_2.png")
    top = 2 * BAND_PX + 48
    assert np.array_equal(sheet[top : top + 48, :64], infrared)


class Faint(nn.Module):
    """A network that gives almost nothing of its visible picture."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        fused: Tensor = 0.02 * visible
        return fused


def test_pictures_that_show_nothing_of_their_sources_are_warned_of(held_out: Path) -> None:
    judge = Validator(load_pairs([held_out]), network_named("lite").signature)
    said = judge.judge(Faint(), CPU).warning(judge.pairs)
    assert said.startswith("fuses 9 of 9 frames into pictures that show nothing of use: that of")
    assert judge.judge(lite(), CPU).warning(judge.pairs) == ""
