"""`coconet train --model` trains anyone's network, such as the one of the guide, and `export` takes what came of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from coconet.networks.custom import load_foreign, parse_signature
from coconet.training.recipe import TrainingPlan
from tests.support.media.pair_folders import write_pair
from tests.support.programs.command_line import Ended, command

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "any-network.md").read_text(encoding="utf-8")
KIND = ("--range", "-1..1", "--order", "infrared,visible")
FIXTURES = """
from strongest import Strongest
class Nan(Strongest):
    def forward(self, infrared, visible):
        return super().forward(infrared, visible) / 0 * 0
class Fixed(Strongest):
    def __init__(self):
        super().__init__()
        self.requires_grad_(False)
class Pair(Strongest):
    def forward(self, infrared, visible):
        return super().forward(infrared, visible), visible
class Listed(Strongest):
    def forward(self, both):
        return super().forward(*both)
def fails():
    raise ValueError("no such config")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    code = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert code is not None
    (tmp_path / "strongest.py").write_text(code[1])
    (tmp_path / "hostile.py").write_text(FIXTURES)
    rng = np.random.default_rng(0)
    write_pair(tmp_path / "pairs", "a.png", *(rng.integers(0, 256, (70, 80), np.uint8) for _ in range(2)))
    monkeypatch.chdir(tmp_path)
    for module in ("strongest", "hostile"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def trained(model: str, *more: object) -> Ended:
    small = ("--steps", 2, "--batch", 1, "--patch", 64)
    return command("train", "--data", "pairs", "--out", "run", "--model", model, *KIND, *small, *more)


def test_the_network_of_the_guide_is_trained_goes_on_and_its_weights_are_its_own(folder: Path) -> None:
    ended = trained("strongest:Strongest")
    assert (ended.code, ended.out) == (0, f"{folder / 'run' / 'Strongest.safetensors'}: Strongest after 2 steps\n")
    assert command("train", "run/Strongest.recipe.toml", "--steps", 3).out.endswith("Strongest after 3 steps\n")
    for weights in ("run/Strongest.safetensors", "run/state.pt"):
        loaded = load_foreign("strongest:Strongest", [weights], parse_signature("-1..1", None, 1), infrared_first=True)
        assert loaded.signature.normalization == "running"


def test_weights_of_a_factory_say_how_they_are_exported(folder: Path) -> None:
    trained("strongest:Strongest")
    refused = command("export", "run/Strongest.safetensors")
    assert refused.code == 4
    assert "coconet export --model strongest:Strongest --weights FILE" in refused.err


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("hostile:Nan", "step 1 of Nan gives NaN or infinity"),
        ("hostile:Fixed", "has no weights that could be trained"),
        ("hostile:Pair", "a tuple of 2"),
        ("hostile:Listed", "takes 2 positional arguments but 3 were given"),
        ("hostile:fails", "ValueError: no such config"),
        ("hostile:KIND", "hostile"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_in_words(folder: Path, model: str, said: str) -> None:
    ended = trained(model)
    assert ended.code == 2
    assert said in ended.err
    assert not list((folder / "run").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "a:b"), "needs --range and --order beside it"),
        (("--range", "0..1"), "are of a network of yours"),
        (("--model", "a:b", *KIND, "--network", "lite"), "are given together"),
        (("--model", "strongest:Strongest", *KIND, "--multiple", 24), "is no multiple of --multiple 24"),
    ],
)
def test_options_that_do_not_go_together_are_named(folder: Path, words: tuple[object, ...], said: str) -> None:
    ended = command("train", "--data", "pairs", "--out", "run", "--steps", 1, "--patch", 64, *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_run_of_more_steps_than_are_wanted_by_now_says_how_many_it_made(folder: Path) -> None:
    small = ("--data", "pairs", "--out", "run", "--batch", 1, "--patch", 64)
    assert command("train", *small, "--steps", 2).code == 0
    again = command("train", *small, "--steps", 1)
    assert "goes on after 2 steps, which is past the 1 asked for" in again.err
    assert again.out.startswith(f"{folder / 'run' / 'lite.safetensors'}: lite after 2 steps")
    assert TrainingPlan.assemble(folder / "run" / "lite.recipe.toml", {}).steps == 1


def test_the_state_of_a_run_is_exported_as_its_weights_are(folder: Path) -> None:
    small = ("--data", "pairs", "--out", "run", "--batch", 1, "--patch", 64)
    assert command("train", *small, "--steps", 1).code == 0
    ended = command("export", "run/state.pt", "--out", "state.onnx", "--size", "64x80")
    assert (ended.code, ended.err) == (0, "")
    assert (folder / "state.onnx").exists()
