from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.training.recipe import Recipe, TrainingPlan

RECIPE = """
network = "coconet"
steps = 12
contrast = 1.0
data = ["pairs", "/elsewhere/video_vis.mp4"]
out = "run"
start = "../first/coconet.safetensors"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    path = tmp_path / "recipes" / "second.toml"
    path.write_text(RECIPE)
    return path


def test_a_file_holds_the_whole_plan_with_paths_relative_to_it(file: Path, tmp_path: Path) -> None:
    plan = TrainingPlan.assemble(file, {})
    assert plan.recipe == Recipe(network="coconet", steps=12, contrast=1.0)
    assert plan.data == [tmp_path / "recipes" / "pairs", Path("/elsewhere/video_vis.mp4")]
    assert plan.out == tmp_path / "recipes" / "run"
    assert plan.start == tmp_path / "first" / "coconet.safetensors"


def test_the_paths_of_a_shipped_recipe_begin_where_one_says(file: Path, tmp_path: Path) -> None:
    plan = TrainingPlan.assemble(file, {"out": Path("/runs/one")}, tmp_path / "pictures")
    assert plan.data == [tmp_path / "pictures" / "pairs", Path("/elsewhere/video_vis.mp4")]
    assert plan.start == tmp_path / "first" / "coconet.safetensors"
    assert plan.out == Path("/runs/one")


def test_options_come_before_the_file_and_their_paths_are_relative_to_where_one_is(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = TrainingPlan.assemble(file, {"steps": 99, "out": Path("other")})
    assert (plan.steps, plan.out) == (99, tmp_path / "other")
    assert plan.data[0] == tmp_path / "recipes" / "pairs"


def test_a_saved_plan_is_the_same_plan(file: Path, tmp_path: Path) -> None:
    plan = TrainingPlan.assemble(file, {"learning_rate": 1e-4})
    plan.save(tmp_path / "coconet.recipe.toml")
    assert TrainingPlan.assemble(tmp_path / "coconet.recipe.toml", {}) == plan


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("patch = 100", "patch must be a multiple of 16, not 100"),
        ("patch = 48", "patch must be 64 or more, not 48"),
        ("learning_rate = nan", "learning_rate must be a finite number, not nan"),
        ("contrast = -1", "contrast must be 0 or more, not -1"),
        ("leaning_rate = 1e-4", "leaning_rate is not a known key here; known are network, steps"),
        ("validation = 3", "validation must be a path, not 3"),
    ],
)
def test_a_key_that_does_not_fit_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(f'data = ["pairs"]\nout = "run"\n{line}\n')
    with pytest.raises(CoconetError) as caught:
        TrainingPlan.assemble(tmp_path / "a.toml", {})
    assert str(caught.value).startswith(f"{tmp_path / 'a.toml'}, {said}")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"steps": -1}, "--steps must be 0 or more, not -1. Correct this option."),
        ({"learning_rate": 0.0}, "--learning-rate must be more than 0, not 0.0. Correct this option."),
        ({"patch": 60}, "--patch must be a multiple of 16, not 60. Correct this option."),
        ({"reading": {"plateau_percent": "a"}}, "--plateau-percent must be a number"),
    ],
)
def test_an_option_that_does_not_fit_is_named_as_it_is_written(file: Path, told: dict[str, object], said: str) -> None:
    for recipe, more in ((file, {}), (None, {"data": [Path("a")], "out": Path("b")})):
        with pytest.raises(CoconetError) as caught:
            TrainingPlan.assemble(recipe, {**more, **told})
        assert str(caught.value).startswith(said)


def test_a_key_of_the_file_is_not_told_as_an_option(file: Path) -> None:
    file.write_text(f"{RECIPE}seed = -1\n")
    with pytest.raises(CoconetError, match=r"\.toml, seed must be 0 or more, not -1\. Correct or remove this key"):
        TrainingPlan.assemble(file, {"steps": 3, "reading": {}})


@pytest.mark.parametrize(("given", "missing"), [({}, "data"), ({"data": [Path("pairs")]}, "out")])
def test_data_and_a_folder_must_be_given(given: dict[str, object], missing: str) -> None:
    with pytest.raises(CoconetError, match=f"coconet train lacks {missing}. Give --{missing}, or put it"):
        TrainingPlan.assemble(None, given)


def test_a_recipe_from_before_the_second_stage_means_what_it_meant() -> None:
    old = (
        '{"network":"lite","steps":9,"batch":16,"patch":128,"learning_rate":0.001,"seed":0,"c1":0.5,"c2":0.75,'
        '"structure":1.0,"intensity":0.4,"edge":12.0,"correlation":1.0,"exposure":10.0,"information":2.0}'
    )
    assert Recipe.model_validate_json(old) == Recipe(steps=9)
    assert Recipe().contrast == 0.0
