"""Opening a model by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.model_names import RULES
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.models.tiny_onnx import write_averaging_model


@pytest.mark.parametrize("word", [*RULES, Path("average")])
def test_the_baselines_open_by_their_word(word: str | Path) -> None:
    backend = open_backend(word)
    assert isinstance(backend, BaselineBackend)
    assert backend.card.network == str(word)


def test_an_onnx_file_opens_in_onnx_runtime(tmp_path: Path) -> None:
    assert isinstance(open_backend(write_averaging_model(tmp_path / "model.onnx")), OnnxRuntimeBackend)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx does not exist; expected a model file, or one of the words"):
        open_backend(tmp_path / "gone.onnx")


def test_an_unknown_ending_lists_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.touch()
    with pytest.raises(CoconetError, match=r"has the ending \.tflite; a model ends in \.onnx, "):
        open_backend(path)
