from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.config import read_toml
from tests.support.media.pair_folders import write_pair
from tests.support.programs.command_line import Ended, command

SMALL = ("--batch", 1, "--patch", 64)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    y, x = np.mgrid[:70, :80]
    for number, name in enumerate(("pairs", "others"), start=4):
        sides = (127 + 90 * np.sin(x / number), np.where(y > 40, 220, 30))
        write_pair(tmp_path / name, f"{name}.png", *(pixels.astype(np.uint8) for pixels in sides))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(data: str = "pairs", *words: object, steps: int = 1) -> Ended:
    return command("train", "--data", data, "--out", "run", *SMALL, "--steps", steps, *words)


@pytest.mark.parametrize(
    ("data", "words", "said"),
    [
        ("others", (), "data was {0}/pairs, now {0}/others"),
        ("pairs", ("--data", "others"), "data was {0}/pairs, now {0}/pairs, {0}/others"),
        ("pairs", ("--validation", "others"), "validation was not set, now {0}/others"),
    ],
)
def test_a_run_goes_on_only_with_its_own_pictures_and_its_recipe_keeps_them(
    folder: Path, data: str, words: tuple[object, ...], said: str
) -> None:
    assert trained().code == 0
    refused = trained(data, *words, steps=2)
    assert refused.code == 2
    assert said.format(folder) in refused.err
    assert f"begin a new run: --start {folder / 'run' / 'lite.safetensors'} --out FOLDER" in refused.err
    assert read_toml(folder / "run" / "lite.recipe.toml", "a recipe")["data"] == [str(folder / "pairs")]


def test_a_run_goes_on_with_pictures_that_were_moved(folder: Path) -> None:
    assert trained().code == 0
    (folder / "pairs").rename(folder / "elsewhere")
    assert trained("elsewhere", steps=2).out.endswith("lite after 2 steps\n")


def test_the_recipe_of_a_moved_or_copied_run_goes_on_with_the_run_beside_it(folder: Path) -> None:
    assert trained().code == 0
    shutil.copytree(folder / "run", folder / "copied")
    assert command("train", "copied/lite.recipe.toml", "--steps", 2).out.endswith("lite after 2 steps\n")
    assert read_toml(folder / "copied" / "lite.recipe.toml", "a recipe")["out"] == str(folder / "copied")
    (folder / "run").rename(folder / "moved")
    ended = command("train", "moved/lite.recipe.toml", "--steps", 2)
    assert "goes on after 1 step, to 2" in ended.err
    assert ended.out.startswith(f"{folder / 'moved' / 'lite.safetensors'}: lite after 2 steps")
    assert not (folder / "run").exists()


def test_names_that_are_left_out_are_told_like_other_options(folder: Path) -> None:
    assert trained("pairs", "--data", "others").code == 0
    (folder / "recipe.toml").write_text('held = ["oth*"]\n', encoding="utf-8")
    assert "held was not set, now oth*" in trained("pairs", "--data", "others", "recipe.toml", steps=2).err


def test_a_recipe_without_a_state_beside_it_begins_the_run_that_it_names(folder: Path) -> None:
    assert trained().code == 0
    (folder / "kept").mkdir()
    shutil.move(folder / "run" / "lite.recipe.toml", folder / "kept")
    ended = command("train", "kept/lite.recipe.toml", "--steps", 2)
    assert ended.out.startswith(f"{folder / 'run' / 'lite.safetensors'}: lite after 2 steps")


def test_a_validation_on_pictures_that_are_trained_on_is_warned_of(folder: Path) -> None:
    both = ("--data", "others")
    warned = trained("pairs", *both, "--validation", "pairs")
    assert warned.code == 0
    assert "1 of the 1 pair of the validation are trained on as well, such as pairs" in warned.err
    (folder / "recipe.toml").write_text('held = ["pairs"]\n', encoding="utf-8")
    kept_out = trained("pairs", *both, "--validation", "pairs", "recipe.toml", "--overwrite")
    assert kept_out.code == 0
    assert "trained on as well" not in kept_out.err


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_state_that_is_damaged_or_none_is_refused_with_what_to_do(folder: Path, damage: str) -> None:
    assert trained().code == 0
    state = folder / "run" / "state.pt"
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:5000])
    else:
        torch.save({"weight": torch.zeros(1)}, state)
    refused = trained(steps=2)
    assert refused.code == 4
    assert "should hold the state of an interrupted run to go on from, but it" in refused.err
    assert "Begin again with --overwrite, or from weights with --start WEIGHTS and another --out." in refused.err


def test_a_start_from_an_onnx_model_names_it_as_such(folder: Path) -> None:
    (folder / "good.onnx").write_bytes(b"\x08\x0a\x12\x07pytorch" + bytes(range(256)))
    refused = trained("pairs", "--start", "good.onnx")
    assert "good.onnx is an ONNX model; expected a PyTorch file" in refused.err
    assert "Name the checkpoint that it was exported from" in refused.err


def test_weights_that_no_step_has_trained_are_warned_of(folder: Path) -> None:
    assert "holds weights that no step has trained" in trained(steps=0).err
    assert "no step" not in trained(steps=1).err
