from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from coconet.cli import app
from coconet.commands.train import train
from coconet.config import read_toml
from coconet.errors import CoconetError
from coconet.reading import Reading
from coconet.training.recipe import Recipe, TrainingPlan
from coconet.writing.sole_writer import sole_writer
from tests.support.media.pair_folders import write_pair
from tests.support.programs.command_line import command

APP = typer.Typer()
APP.command()(train)
SMALL = ("--steps", "2", "--batch", "1", "--patch", "64")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    y, x = np.mgrid[:70, :80]
    sides = (127 + 90 * np.sin(x / 4.0), np.where(y > 40, 220, 30))
    write_pair(tmp_path / "pairs", "a.png", *(pixels.astype(np.uint8) for pixels in sides))
    return tmp_path


def called(*words: object) -> str:
    answer = CliRunner().invoke(APP, [str(word) for word in words], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_options_alone_train_and_say_where_the_weights_are(folder: Path) -> None:
    said = called("--data", folder / "pairs", "--out", folder / "run", *SMALL)
    assert said.startswith(f"{folder / 'run' / 'lite.safetensors'}: lite after 2 steps")
    assert (folder / "run" / "lite.safetensors").exists()


def test_a_second_training_in_the_same_folder_is_refused_until_the_first_one_ends(folder: Path) -> None:
    words = [str(word) for word in ("--data", folder / "pairs", "--out", folder / "run", *SMALL)]
    (folder / "run").mkdir()
    with sole_writer(folder / "run"):
        refused = CliRunner().invoke(APP, words)
    assert isinstance(refused.exception, CoconetError), refused.output
    assert "is being written by another run" in str(refused.exception)
    assert list((folder / "run").iterdir()) == []
    assert called(*words).startswith(f"{folder / 'run' / 'lite.safetensors'}: lite after 2 steps")


def test_a_recipe_file_alone_trains_and_the_resolved_one_lies_beside_the_weights(folder: Path) -> None:
    (folder / "recipe.toml").write_text('data = ["pairs"]\nout = "run"\nsteps = 1\nbatch = 1\npatch = 64\nedge = 3.0\n')
    called(folder / "recipe.toml", "--batch", "2")
    resolved = read_toml(folder / "run" / "lite.recipe.toml", "a recipe")
    wanted = Recipe(steps=1, batch=2, patch=64, edge=3.0).model_dump(exclude_none=True)
    places = {"data": [str(folder / "pairs")], "out": str(folder / "run"), "validate_every": 500, "half": False}
    assert resolved == {**wanted, **places, "held": [], "neighbours": []}


def test_two_stages_with_a_teacher_and_a_validation(folder: Path) -> None:
    pairs = folder / "pairs"
    called("--data", pairs, "--out", folder / "first", *SMALL)
    first = folder / "first" / "lite.safetensors"
    second = ("--start", first, "--contrast", 1, "--teacher", first, "--validation", pairs)
    called("--data", pairs, "--out", folder / "second", *SMALL, *second)
    made = {path.name for path in (folder / "second").iterdir()}
    weights = {"lite.safetensors", "lite.best.safetensors", "lite.recipe.toml", "state.pt"}
    assert made == {*weights, "validation.csv", "validation.png"}


def test_every_option_is_a_key_of_the_plan_and_shows_its_default() -> None:
    of_reading = {*Reading.__dataclass_fields__, "infrared_contrast"}
    names = set(inspect.signature(train).parameters) - {"recipe", "home", "overwrite"} - of_reading
    assert names <= set(TrainingPlan.model_fields)
    text = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).stdout
    assert re.search(r"Train for N steps\.\s+\[default: 4000\]", text)
    assert "Undefined" not in text
    assert "Follow the fused pictures of these weights." in text


def test_an_option_that_does_not_fit_is_named(folder: Path) -> None:
    with pytest.raises(CoconetError, match="^--patch must be a multiple of 16, not 100"):
        called("--data", folder / "pairs", "--out", folder / "run", "--patch", "100")


def test_without_data_the_next_step_is_said(folder: Path) -> None:
    with pytest.raises(CoconetError, match="Give --data, or put it in a recipe"):
        called("--out", folder / "run")


def test_a_training_goes_on_only_with_pictures_that_are_read_alike(folder: Path) -> None:
    first = ("--data", folder / "pairs", "--out", folder / "run", *SMALL)
    called(*first, "--black-hot", "--pair-by", "vis/{},ir/{}")
    recipe = folder / "run" / "lite.recipe.toml"
    assert read_toml(recipe, "a recipe")["reading"] == {"black_hot": True, "pair_by": "vis/{},ir/{}"}
    with pytest.raises(
        CoconetError, match=r"begun with other options: black_hot was True, now not set; pair_by was vis/"
    ):
        called(*first)
    called(recipe, "--steps", "3", "--palette", "auto", "--white-hot", "--out", folder / "other")
    reading = TrainingPlan.assemble(folder / "other" / "lite.recipe.toml", {}).reading
    assert reading == Reading(black_hot=False, palette="auto", pair_by="vis/{},ir/{}")
    called(*first, "--black-hot", "--pair-by", "vis/{},ir/{}", "--steps", "3")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"blak_hot": True}, f"reading.blak_hot is not a known key here; known are {', '.join(vars(Reading()))}"),
        ({"agc_percentiles": [99, 1]}, "--agc-percentiles must be a low and a higher one between 0 and 100"),
        ({"black_hot": 1}, "--black-hot must be true or false, not 1"),
        ("black_hot", "reading must be a table, not 'black_hot'"),
    ],
)
def test_a_reading_option_of_a_recipe_that_does_not_fit_is_named(table: object, said: str) -> None:
    with pytest.raises(CoconetError, match=re.escape(said)):
        TrainingPlan.assemble(None, {"data": [Path("a")], "out": Path("b"), "reading": table})


def test_data_may_lie_in_the_folder_of_the_run_and_its_recipe_goes_on_with_it(folder: Path) -> None:
    run = folder / "pairs" / "vis"
    for path in (folder / "pairs" / "ir").iterdir():
        path.rename(run / f"{path.stem}_ir{path.suffix}")
    for path in [one for one in run.iterdir() if "_ir" not in one.stem]:
        path.rename(run / f"{path.stem}_vis{path.suffix}")
    called("--data", run, "--out", run, *SMALL)
    called(run / "lite.recipe.toml", "--steps", "3")
    assert TrainingPlan.assemble(run / "lite.recipe.toml", {}).steps == 3
    (run / "state.pt").unlink()
    with pytest.raises(CoconetError, match=r"lite\.recipe\.toml would write over or among the input"):
        called(run / "lite.recipe.toml", "--overwrite")


def test_a_training_that_cannot_begin_makes_no_folder_and_keeps_what_an_earlier_one_goes_on_from(
    tmp_path: Path,
) -> None:
    missing, out = tmp_path / "missing", tmp_path / "run"
    assert command("train", "--data", missing, "--out", out).code == 2
    assert not out.exists()
    out.mkdir()
    (out / "state.pt").write_bytes(b"of an earlier run")
    assert command("train", "--data", missing, "--out", out, "--overwrite").code == 2
    assert (out / "state.pt").read_bytes() == b"of an earlier run"


def test_all_options_that_differ_are_named_before_the_pictures_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = folder / "run"
    called("--data", folder / "pairs", "--out", run, *SMALL)
    monkeypatch.setattr("coconet.training.data.load_pairs", None)
    with pytest.raises(CoconetError) as caught:
        called("--data", folder / "pairs", "--out", run, *SMALL, "--batch", 3, "--network", "coconet", "--seed", 4)
    said = "begun with other options: network was lite, now coconet; batch was 1, now 3; seed was 0, now 4. Repeat"
    assert said in str(caught.value)
    assert f"which stand in {run / 'lite.recipe.toml'}" in caught.value.remedy


def test_a_finished_run_says_so_and_a_larger_number_of_steps_goes_on(folder: Path) -> None:
    words = ("--data", folder / "pairs", "--out", folder / "run", *SMALL)
    called(*words)
    again = CliRunner().invoke(APP, [str(word) for word in words])
    assert "was finished before: all 2 steps are made. A larger --steps goes on from there" in again.stderr
    assert "after 3 steps" in called(*words, "--steps", 3)


@pytest.mark.parametrize(
    "wrong", [("--start", "missing.safetensors"), ("--encoder", "missing.pth", "--network", "coconet")]
)
def test_a_refused_training_leaves_no_folder_and_with_overwrite_the_run_of_before(
    folder: Path, wrong: tuple[str, ...]
) -> None:
    with pytest.raises(CoconetError, match="missing"):
        called("--data", folder / "pairs", "--out", folder / "new" / "run", *SMALL, *wrong)
    assert not (folder / "new").exists()
    called("--data", folder / "pairs", "--out", folder / "run", *SMALL)
    with pytest.raises(CoconetError, match="missing"):
        called("--data", folder / "pairs", "--out", folder / "run", *SMALL, *wrong, "--overwrite")
    assert (folder / "run" / "state.pt").exists()
