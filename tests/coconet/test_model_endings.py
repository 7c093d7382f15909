"""Model endings: every one runs or says what is wrong with the file, and no other file writes one down again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.model_endings import CHECKPOINT_SUFFIXES, MODEL_SUFFIXES
from coconet.model_names import CHECKPOINTS, MODEL_WORDS, MODELS, RULES, checkpoint_path
from coconet.runtime.backends.choice import choose_backend, model_file

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")


def constants(path: Path) -> set[object]:
    return {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}


def test_endings_stand_in_one_file() -> None:
    files = [path for part in PARTS for path in (ROOT / part).rglob("*.py")]
    assert [path.name for path in files if constants(path) & set(MODEL_SUFFIXES)] == ["model_endings.py"]


@pytest.mark.parametrize("suffix", MODEL_SUFFIXES)
def test_a_file_of_every_ending_is_taken_for_a_model(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.touch()
    assert model_file(path) == path
    if suffix in CHECKPOINT_SUFFIXES:
        assert choose_backend(path).kind == "torch"


def test_another_ending_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "model.h5").touch()
    endings = ".onnx, .engine, .safetensors, .pth, .pt, .pkl, .model or .ckpt"
    with pytest.raises(CoconetError, match=f"has the ending .h5; a model ends in {endings}"):
        model_file(tmp_path / "model.h5")


def test_every_word_runs_and_no_two_are_the_same() -> None:
    assert set(MODEL_WORDS) == {*MODELS, *RULES}
    assert len(set(MODEL_WORDS)) == len(MODEL_WORDS)
    with pytest.raises(CoconetError, match=f"one of the words {', '.join(MODEL_WORDS)}"):
        choose_backend("heavy")


def test_weights_are_named_by_a_word_or_a_path() -> None:
    for word, file in CHECKPOINTS.items():
        assert checkpoint_path(word).name == file
    assert checkpoint_path("runs/mine.safetensors") == Path("runs/mine.safetensors")
