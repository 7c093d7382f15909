from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.errors import CoconetError
from coconet.networks import checkpoint
from coconet.networks.coconet import Normalization
from coconet.training.data import GrayPair
from coconet.training.recipe import TrainingPlan
from coconet.training.trainer import Trainer, schedule
from tests.support.media.pair_folders import write_pair


class PowerCutError(Exception):
    pass


def plan(out: Path, **fields: object) -> TrainingPlan:
    out.mkdir(exist_ok=True)
    small = {"network": "lite", "steps": 6, "batch": 2, "patch": 64, "data": [], "out": out}
    return TrainingPlan.model_validate({**small, **fields})


def cut_at(trainer: Trainer, step: int) -> None:
    def stop(reached: int, loss: float) -> None:
        if reached == step:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        trainer.run(stop)


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_checkpoint(path).core.state_dict()


ADDED_LATER = {"contrast", "distillation", "steadiness", "noise_levels"}


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory, pairs: list[GrayPair]) -> Path:
    folder = tmp_path_factory.mktemp("held_out")
    write_pair(folder, "scene.png", pairs[0].visible, pairs[0].infrared)
    return folder


@pytest.fixture(scope="module")
def pairs() -> list[GrayPair]:
    y, x = np.mgrid[:96, :96]
    visible = (127 + 100 * np.sin(x / 5.0)).astype(np.uint8)
    infrared = np.where((x - 48) ** 2 + (y - 48) ** 2 < 300, 230, 40).astype(np.uint8)
    return [GrayPair(visible, infrared)]


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path, pairs: list[GrayPair]) -> None:
    whole, broken = plan(tmp_path / "whole"), plan(tmp_path / "broken")
    cut_at(Trainer(broken, pairs), 3)
    resumed = Trainer(broken, pairs)
    assert resumed.step == 3
    ended = weights_of(resumed.run())
    torch.testing.assert_close(ended, weights_of(Trainer(whole, pairs).run()), atol=0.0, rtol=0.0)


@pytest.mark.slow
def test_a_state_comes_before_all_else_so_that_what_a_kill_leaves_is_gone_on_from(
    tmp_path: Path, pairs: list[GrayPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[list[str]] = []
    monkeypatch.setattr(
        TrainingPlan, "save", lambda _plan, path: there.append([one.name for one in tmp_path.iterdir()])
    )
    Trainer(plan(tmp_path, steps=1), pairs).run()
    assert there == [["state.pt"]]


def test_training_lowers_the_loss(tmp_path: Path, pairs: list[GrayPair]) -> None:
    """Of the same crops: those of a second run with its weights and seed, in which they hardly move."""
    before, after = list[float](), list[float]()
    weights = Trainer(plan(tmp_path, steps=200), pairs).run(lambda step, loss: before.append(loss))
    again = plan(tmp_path / "again", steps=20, start=weights, learning_rate=1e-9)
    Trainer(again, pairs).run(lambda step, loss: after.append(loss))
    assert np.mean(after) < 0.95 * np.mean(before[:20])
    assert (
        (tmp_path / "log.csv").read_text().startswith("step,total,structure,intensity,edge,edge_transfer,correlation")
    )


def test_a_run_is_not_resumed_with_another_recipe(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(plan(tmp_path, steps=1), pairs).run()
    with pytest.raises(
        CoconetError, match=r"begun with other options: seed was 0, now 1\. Repeat .*lite\.recipe\.toml"
    ):
        Trainer(plan(tmp_path, seed=1), pairs)


def test_a_finished_run_can_be_prolonged(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(plan(tmp_path, steps=1), pairs).run()
    assert Trainer(plan(tmp_path, steps=2), pairs).step == 1


def test_the_last_stretch_of_coconet_sees_its_stored_statistics(tmp_path: Path, pairs: list[GrayPair]) -> None:
    trainer = Trainer(plan(tmp_path, network="coconet", steps=5, batch=1), pairs)
    trainer.step = 4
    trainer.run()
    assert not any(layer.training for layer in trainer.core.modules() if isinstance(layer, Normalization))


def test_the_learning_rate_warms_up_and_ends_at_one_percent() -> None:
    assert [schedule(0, 1000), schedule(99, 1000)] == pytest.approx([0.01, 1.0])
    assert schedule(1000, 1000) == pytest.approx(0.01)


def test_a_finished_run_can_store_its_weights_in_half_precision(tmp_path: Path, pairs: list[GrayPair]) -> None:
    whole = Trainer(plan(tmp_path, steps=1), pairs).run()
    size, weights = whole.stat().st_size, weights_of(whole)
    half = Trainer(plan(tmp_path, steps=1, half=True), pairs).run()
    assert half.stat().st_size < 0.55 * size
    torch.testing.assert_close(weights_of(half), weights, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_steadiness_is_a_term_of_its_own_and_lets_less_noise_through(tmp_path: Path, pairs: list[GrayPair]) -> None:
    def gain_after_training(weight: float) -> float:
        steady = plan(tmp_path / str(weight), steps=60, steadiness=weight)
        Trainer(steady, pairs).run()
        header, *rows = (steady.out / "log.csv").read_text().splitlines()
        assert header.endswith(",steadiness")
        return float(np.mean([float(row.rpartition(",")[2]) for row in rows[-20:]])) / weight

    assert gain_after_training(20.0) < 0.9 * gain_after_training(0.01)


@pytest.fixture
def first(tmp_path: Path, pairs: list[GrayPair]) -> Path:
    """The weights of a first stage of one step."""
    return Trainer(plan(tmp_path / "first", steps=1), pairs).run()


def test_a_second_stage_begins_with_the_weights_of_the_first_and_adds_a_term(
    tmp_path: Path, pairs: list[GrayPair], first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.training.objective.find_imagenet_file", lambda: None)
    second = Trainer(plan(tmp_path / "second", start=first, contrast=1.0, steps=1), pairs)
    torch.testing.assert_close(second.core.state_dict(), weights_of(first), atol=0.0, rtol=0.0)
    assert second.notes == [
        "weights from lite.safetensors",
        "no ImageNet weights for the contrastive loss: random VGG-19 features stand in for them",
        "0 masks of targets read, 1 by the saliency rule",
    ]
    assert second.sampler.crops(0).mask.max() == 1.0
    assert not torch.equal(weights_of(second.run())["stem.weight"], weights_of(first)["stem.weight"])


@pytest.mark.slow
def test_an_interrupted_second_stage_with_teacher_and_validation_ends_the_same(
    tmp_path: Path, pairs: list[GrayPair], first: Path, held_out: Path
) -> None:
    fields = {
        "start": first,
        "contrast": 1.0,
        "teacher": first,
        "validation": held_out,
        "validate_every": 2,
        "steps": 4,
    }
    whole, broken = plan(tmp_path / "whole", **fields), plan(tmp_path / "broken", **fields)
    cut_at(Trainer(broken, pairs), 3)
    ended, unbroken = Trainer(broken, pairs).run(), Trainer(whole, pairs).run()
    torch.testing.assert_close(weights_of(ended), weights_of(unbroken), atol=0.0, rtol=0.0)
    for name in ("validation.csv", "validation.png", "lite.best.safetensors"):
        assert (broken.out / name).read_bytes() == (whole.out / name).read_bytes()
    assert [line.split(",")[0] for line in (whole.out / "validation.csv").read_text().split()[1:]] == ["0", "2", "4"]


def test_what_is_cut_off_during_a_validation_is_judged_when_the_run_goes_on(
    tmp_path: Path, pairs: list[GrayPair], held_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise PowerCutError

    judged = plan(tmp_path, validation=held_out, validate_every=2, steps=3)
    with monkeypatch.context() as cut:
        cut.setattr("coconet.training.validation.Validator.judge", power_cut)
        with pytest.raises(PowerCutError):
            Trainer(judged, pairs).run()
    Trainer(judged, pairs).run()
    assert [line.split(",")[0] for line in (tmp_path / "validation.csv").read_text().split()[1:]] == ["2", "3"]


def test_a_run_is_not_resumed_with_another_teacher(tmp_path: Path, pairs: list[GrayPair], first: Path) -> None:
    other = Trainer(plan(tmp_path / "other", steps=1, seed=3), pairs).run()
    Trainer(plan(tmp_path / "taught", steps=1, teacher=first), pairs).run()
    with pytest.raises(CoconetError, match="weights were from .*teacher lite.*, now from .*teacher lite"):
        Trainer(plan(tmp_path / "taught", steps=2, teacher=other), pairs)


def test_a_state_from_before_the_second_stage_is_gone_on_from(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(plan(tmp_path, steps=1), pairs).run()
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    recipe = {name: value for name, value in json.loads(state["recipe"]).items() if name not in ADDED_LATER}
    old = {"step": 1, "network": state["network"], "optimizer": state["optimizer"], "recipe": json.dumps(recipe)}
    torch.save(old, tmp_path / "state.pt")
    assert Trainer(plan(tmp_path, steps=2), pairs).step == 1


def test_a_state_of_other_layers_is_refused(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(plan(tmp_path, steps=1), pairs).run()
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    state["network"]["head.weight"] = torch.zeros(5, 48, 3, 3)
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(CoconetError, match=r"state\.pt cannot fill the \d+ tensors of LiteNet"):
        Trainer(plan(tmp_path, steps=2), pairs)


def test_the_plan_lies_beside_the_weights_and_runs_again(tmp_path: Path, pairs: list[GrayPair]) -> None:
    Trainer(plan(tmp_path, steps=1, structure=2.5), pairs).run()
    again = TrainingPlan.assemble(tmp_path / "lite.recipe.toml", {})
    assert again.recipe == plan(tmp_path, steps=1, structure=2.5).recipe
    assert Trainer(again, pairs).step == 1
